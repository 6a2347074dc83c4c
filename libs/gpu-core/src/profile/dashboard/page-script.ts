import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The module at `entry` and all that it imports by relative paths, as one script without imports: each module becomes a
 * function that gives its exports. Reads what our own compiler wrote, not any JavaScript.
 */
export function pageScript(
  entry: string,
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): string {
  const numbers = new Map<string, number>();
  const parts: string[] = [];
  const add = (path: string): number => {
    const known = numbers.get(path);
    if (known !== undefined) return known;
    const exports: string[] = [];
    const body = read(path)
      .replace(/^\/\/# sourceMappingURL=.*$/gm, '')
      .replace(/^import \{([^}]*)\} from '([^']+)';$/gm, (line, names: string, from: string) => {
        if (!from.startsWith('.')) throw new Error(`${path} imports ${from}, which is not there in a browser`);
        return `const {${names.replace(/ as /g, ': ')}} = m${add(join(dirname(path), from))};`;
      })
      .replace(/^export \{\};$/gm, '')
      .replace(/^export (?=(?:async )?(?:function|const|class) (\w+))/gm, (_, name: string) => {
        exports.push(name);
        return '';
      });
    const left = /^(?:import|export)\b.*/m.exec(body);
    if (left) throw new Error(`${path}: cannot join '${left[0]}'`);
    const number = numbers.size;
    numbers.set(path, number);
    parts.push(`const m${number} = (() => {\n${body.trim()}\nreturn { ${exports.join(', ')} };\n})();`);
    return number;
  };
  add(entry);
  return `'use strict';\n${parts.join('\n')}\n`;
}
