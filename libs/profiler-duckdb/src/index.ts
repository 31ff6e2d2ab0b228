export { DuckDbProfiler, type DuckDbOptions } from './duckdb-profiler.js';
