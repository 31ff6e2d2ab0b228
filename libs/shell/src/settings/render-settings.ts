import { optionsOf, type Option } from './describe-schema.js';
import { APP_SCHEMAS, type App } from './schema.js';

const PROCESSES = ['capture', 'transform', 'load'] as const satisfies readonly App[];

/** `docs/reference/settings.md`, whole. A test compares it with the file. */
export function renderSettingsReference(): string {
  const options = optionsOf(APP_SCHEMAS.cli);
  const sections = options.filter(({ path }) => !path.includes('.'));
  return [
    '# Settings',
    '',
    'Rendered from `libs/shell/src/settings/schema.ts`; change it there.',
    '',
    'One JSON file, `changeover.json`, serves every process and the command line. It is found by `--config`, else by the environment variable `CHANGEOVER_CONFIG`,',
    'else in the working directory. Any text in it may be `env:NAME`: then the environment’s value is taken, so secrets need not stand in the file. A process',
    'reads only its own sections. An unknown option is an error. Sizes are numbers of bytes or texts such as `64MB`, in powers of 1024.',
    '',
    ...sections.flatMap((section) => renderSection(section, options)),
  ].join('\n');
}

function renderSection(section: Option, options: readonly Option[]): string[] {
  const below = options.filter(({ path }) => path.startsWith(`${section.path}.`) || path.startsWith(`${section.path} (`));
  const readers = PROCESSES.filter((app) => section.path in APP_SCHEMAS[app].shape);
  const readBy = readers.length === PROCESSES.length ? 'every process' : readers.join(', ');
  const head = [`## ${section.path}`, '', `${section.description} Read by ${readBy}.${section.required ? ' Required.' : ''}`, ''];
  if (below.length === 0) return head;
  return [...head, '| option | type | default | meaning |', '|---|---|---|---|', ...below.map(renderOption), ''];
}

function renderOption({ path, type, defaultValue, required, description }: Option): string {
  const standard = defaultValue === null ? (required ? 'required' : '') : `\`${defaultValue}\``;
  return `| \`${path}\` | ${type.replaceAll('|', '\\|')} | ${standard} | ${description} |`;
}
