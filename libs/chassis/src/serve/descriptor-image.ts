import { BinaryReader } from '@bufbuild/protobuf/wire';

/** A file of the image, as it was compiled: what reflection hands out. */
export interface DescribedFile {
  readonly name: string;
  /** The encoded google.protobuf.FileDescriptorProto. */
  readonly bytes: Uint8Array;
  readonly imports: readonly string[];
}

/** A google.protobuf.FileDescriptorSet: its files by name, and which file defines a symbol. */
export class DescriptorImage {
  readonly #files = new Map<string, DescribedFile>();
  readonly #fileOfSymbol = new Map<string, DescribedFile>();

  constructor(bytes: Uint8Array) {
    visit(bytes, (field, file) => {
      if (field === 1) this.#add(file);
    });
  }

  file(name: string): DescribedFile | undefined {
    return this.#files.get(name);
  }

  /** `symbol` is the full name of a service, a method, a message, an enum or a field of a message. */
  fileOf(symbol: string): DescribedFile | undefined {
    return this.#fileOfSymbol.get(symbol);
  }

  /** The file and everything that it imports, directly or not; the file first. */
  withImports(file: DescribedFile): DescribedFile[] {
    const found = new Map([[file.name, file]]);
    for (const { imports } of found.values()) {
      for (const name of imports) {
        const imported = this.#files.get(name);
        if (imported) found.set(name, imported);
      }
    }
    return [...found.values()];
  }

  /** FileDescriptorProto: name 1, package 2, dependency 3, message_type 4, enum_type 5, service 6. */
  #add(bytes: Uint8Array): void {
    let name = '';
    let scope = '';
    const imports: string[] = [];
    const definitions: [field: number, bytes: Uint8Array][] = [];
    visit(bytes, (field, value) => {
      if (field === 1) name = text(value);
      else if (field === 2) scope = `${text(value)}.`;
      else if (field === 3) imports.push(text(value));
      else if (field >= 4 && field <= 6) definitions.push([field, value]);
    });
    const file: DescribedFile = { name, bytes, imports };
    this.#files.set(name, file);
    for (const [field, definition] of definitions)
      this.#define(scope, definition, file, field === 4 ? 'message' : 'other');
  }

  /** Members of a message: fields 2, nested types 3, enums 4; of an enum its values 2, of a service its methods 2. */
  #define(scope: string, bytes: Uint8Array, file: DescribedFile, kind: 'message' | 'other' | 'leaf'): void {
    let name = '';
    const members: [field: number, bytes: Uint8Array][] = [];
    visit(bytes, (field, value) => {
      if (field === 1) name = text(value);
      else if (kind !== 'leaf' && (field === 2 || (kind === 'message' && (field === 3 || field === 4))))
        members.push([field, value]);
    });
    this.#fileOfSymbol.set(`${scope}${name}`, file);
    for (const [field, member] of members) {
      this.#define(`${scope}${name}.`, member, file, field === 2 ? 'leaf' : field === 3 ? 'message' : 'other');
    }
  }
}

/** Calls `see` for each length-delimited field of an encoded message; the others are passed over. */
function visit(bytes: Uint8Array, see: (field: number, value: Uint8Array) => void): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === 2) see(field, reader.bytes());
    else reader.skip(wireType);
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
