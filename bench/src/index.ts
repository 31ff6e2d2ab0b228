export { barsOf, type Bar } from './bars.js';
export { renderReport } from './report.js';
export { runBench, type BenchResult } from './run-bench.js';
