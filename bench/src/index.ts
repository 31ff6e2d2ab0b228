export { barsOf, type Bar } from './bars.js';
export { renderReport } from './report.js';
export { runBench, type BenchResult } from './run-bench.js';
export { runSoak, type SoakContext, type SoakOptions, type SoakReport } from './soak/run-soak.js';
