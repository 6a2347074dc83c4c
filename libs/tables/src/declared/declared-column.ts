/** What the text beside the values of a table says of one of its columns. */
export interface DeclaredColumn {
  readonly name: string;
  readonly unit?: string;
  readonly ucd?: string;
  readonly description?: string;
  /** Type of the values, in the words of the format. */
  readonly datatype?: string;
}

/** Field metadata for what is declared; a column that declares nothing has none. */
export function declaredMetadata({ unit, ucd, description }: Omit<DeclaredColumn, 'name'>): Map<string, string> {
  const entries = Object.entries({ unit, ucd, description });
  return new Map(entries.filter((entry): entry is [string, string] => (entry[1] ?? '') !== ''));
}
