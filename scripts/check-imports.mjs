// Enforces the import table: a folder of src/ imports only from those listed for it, and no files import in a circle.
// Types may refer to each other in a circle inside one folder: `import type` is gone when the program runs.
// Usage: node scripts/check-imports.mjs [root]; one line for each fault, exit status 1 when there is one.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

// From the lowest to the highest; README.md says what each folder is for.
const MAY_IMPORT = {
  policy: [],
  abi: [],
  native: [],
  kernel: ['abi', 'native'],
  sysproxy: ['abi', 'native', 'kernel'],
  tracer: ['abi', 'native'],
  rewrite: ['policy', 'abi', 'native', 'kernel', 'sysproxy', 'tracer'],
  debug: ['policy', 'abi', 'kernel', 'sysproxy', 'tracer', 'rewrite'],
  bpf: ['policy', 'abi'],
  cli: ['policy', 'abi', 'native', 'kernel', 'sysproxy', 'tracer', 'rewrite', 'debug', 'bpf'],
};

const root = resolve(process.argv[2] ?? '.');
const src = join(root, 'src');
const faults = [];

// `from '...'`, `import '...'` and `import('...')`; only relative ones can break the table.
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])(\.[^'"]*)\1/g;
const TYPE_IMPORT = /\b(?:import|export) type\b[^;]*;/g;
const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g;

function targets(file, text) {
  const all = [...text.matchAll(IMPORT)];
  return [...new Set(all.map(match => resolve(dirname(file), match[2].replace(/\.js$/, '.ts'))))];
}

function importsOf(file) {
  const text = readFileSync(file, 'utf8').replace(COMMENT, '');
  return { all: targets(file, text), values: targets(file, text.replace(TYPE_IMPORT, '')) };
}

const folderOf = file => relative(src, file).split('/')[0];

const graph = new Map(
  readdirSync(src, { recursive: true })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(src, name))
    .map(file => [file, importsOf(file)]),
);

for (const [file, imports] of graph) {
  const from = folderOf(file);
  const allowed = MAY_IMPORT[from];
  const name = relative(root, file);
  if (!allowed) {
    faults.push(`${name}: src/${from} is not in the import table`);
    continue;
  }
  for (const target of imports.all) {
    const to = folderOf(target);
    if (!existsSync(target)) {
      faults.push(`${name}: imports ${relative(root, target)}, which does not exist`);
    } else if (to !== from && !allowed.includes(to)) {
      faults.push(`${name}: src/${from} may not import ${relative(root, target)}`);
    }
  }
}

// Depth first; a file met again while it is still on the path closes a circle.
const done = new Set();
function visit(file, path) {
  const at = path.indexOf(file);
  if (at >= 0) {
    const circle = [...path.slice(at), file].map(each => relative(root, each));
    faults.push(`imports in a circle: ${circle.join(' -> ')}`);
    return;
  }
  if (done.has(file)) return;
  for (const target of graph.get(file)?.values ?? []) visit(target, [...path, file]);
  done.add(file);
}
for (const file of graph.keys()) visit(file, []);

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
