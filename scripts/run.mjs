// The four commands: `npm run demo | test | bench | soak`. Works on a machine that has Node and nothing else, so this
// file imports nothing that has to be installed, and nothing that an old Node cannot read before it is told so.
const OLDEST = [20, 19];

const version = process.versions.node.split('.').map(Number);
if (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1])) {
  console.error(`Changeover needs Node ${OLDEST.join('.')} or later; this is ${process.versions.node}. See https://nodejs.org/`);
  process.exit(1);
}

const [command, ...args] = process.argv.slice(2);
const { build, install, runNode } = await import('./prepare.mjs');
const { asksForHelp, usageOf } = await import('./usage.mjs');

const programs = { demo: 'examples/crm/dist/main.js', bench: 'bench/dist/main.js', soak: 'bench/dist/soak.js' };

if (command in programs && asksForHelp(args)) {
  process.stdout.write(await usageOf(command, args));
} else if (command === 'test') {
  if (!asksForHelp(args)) await install();
  const { runTests } = await import('./test-runner.mjs');
  process.exitCode = await runTests(args);
} else if (command in programs) {
  await install();
  await build();
  process.exitCode = await runNode(programs[command], args);
} else {
  console.error('usage: node scripts/run.mjs demo|test|bench|soak [arguments]');
  process.exitCode = 2;
}
