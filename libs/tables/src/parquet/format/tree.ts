import { ParquetFault } from './fault.js';
import {
  type FileMetadata,
  type LogicalType,
  Physical,
  PHYSICAL_NAMES,
  Repetition,
  type SchemaElement,
} from './metadata.js';

/** A node of the schema: a group with children or a leaf with a physical type. */
export interface SchemaNode {
  readonly name: string;
  readonly element: SchemaElement;
  readonly children: readonly SchemaNode[];
  /** Which leaf of the file it is (row groups list their columns in this order); -1 for groups. */
  readonly leafIndex: number;
  readonly path: readonly string[];
  readonly maxDefinition: number;
  readonly maxRepetition: number;
}

const MAX_DEPTH = 64;
const MAX_TYPE_LENGTH = 1 << 20;

/** The columns at the top of the schema, from its flattened form. */
export function schemaTree(metadata: FileMetadata): SchemaNode[] {
  const { schema } = metadata;
  let at = 1;
  let leafIndex = 0;
  const read = (path: readonly string[], definition: number, repetition: number): SchemaNode => {
    if (at >= schema.length) throw new ParquetFault('the schema names more children than it has');
    if (path.length > MAX_DEPTH) throw new ParquetFault(`the schema is nested deeper than ${MAX_DEPTH}`);
    const element = schema[at++];
    const { name } = element;
    const maxDefinition = definition + (element.repetition === Repetition.required ? 0 : 1);
    const maxRepetition = repetition + (element.repetition === Repetition.repeated ? 1 : 0);
    const here = [...path, name];
    const isLeaf = element.physical !== undefined;
    if (isLeaf) checkLeaf(element);
    const node = { name, element, path: here, maxDefinition, maxRepetition };
    if (isLeaf) return { ...node, children: [], leafIndex: leafIndex++ };
    const children = Array.from({ length: countOf(element, schema.length) }, () =>
      read(here, maxDefinition, maxRepetition),
    );
    return { ...node, children, leafIndex: -1 };
  };
  const columns = Array.from({ length: countOf(schema[0], schema.length) }, () => read([], 0, 0));
  if (at !== schema.length) throw new ParquetFault(`the schema has ${schema.length} elements, ${at} belong to columns`);
  return columns;
}

function countOf(element: SchemaElement, limit: number): number {
  if (element.childCount > limit)
    throw new ParquetFault(`'${element.name}' claims ${element.childCount} children in a schema of ${limit}`);
  return element.childCount;
}

function checkLeaf(element: SchemaElement): void {
  const { physical, name, typeLength } = element;
  if (physical === undefined || !(physical >= 0 && physical < PHYSICAL_NAMES.length))
    throw new ParquetFault(`column '${name}' has the unknown type ${physical}`);
  if (physical === Physical.fixed && !(typeLength > 0 && typeLength <= MAX_TYPE_LENGTH)) {
    throw new ParquetFault(`column '${name}' has values of ${typeLength} bytes`);
  }
  if (element.childCount > 0) throw new ParquetFault(`column '${name}' has a type and children`);
}

/** How a type is called in messages: "DOUBLE", "BYTE_ARRAY (string)", "list". */
export function typeName(node: SchemaNode): string {
  const { logical, physical } = node.element;
  if (physical === undefined) return logical ? logicalName(logical) : 'group';
  return logical ? `${PHYSICAL_NAMES[physical]} (${logicalName(logical)})` : PHYSICAL_NAMES[physical];
}

function logicalName(logical: LogicalType): string {
  return logical.kind === 'other' ? `logical type ${logical.id}` : logical.kind;
}
