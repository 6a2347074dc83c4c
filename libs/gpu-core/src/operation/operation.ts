/** Names of the ways to compute an operation. `reference` is the truth, the others must agree within the tolerance. */
export type BackendName = 'reference' | 'typescript' | 'wasm' | 'onnxruntime' | 'webgpu';

/** One declaration for router, conformance test, documentation and bench. */
export interface Operation<Run, Size> {
  /** "sky.join": package and folder. */
  readonly name: string;
  /** Elementary steps for a size; only ratios matter. */
  work(size: Size): number;
  /** Largest allowed difference from the reference, by result and unit. */
  readonly tolerance: Readonly<Record<string, number>>;
  readonly backends: { readonly reference: Run } & Readonly<Partial<Record<BackendName, Run>>>;
  /** The backend of that name; throws RangeError for one that the operation does not have. */
  on(backend: BackendName): Run;
}

export function defineOperation<Run, Size>(declaration: Omit<Operation<Run, Size>, 'on'>): Operation<Run, Size> {
  return {
    ...declaration,
    on(backend) {
      const run = declaration.backends[backend];
      if (run === undefined)
        throw new RangeError(
          `${declaration.name} has no backend '${backend}'; it has ${Object.keys(declaration.backends).join(', ')}`,
        );
      return run;
    },
  };
}
