import { columnProfilerContract } from '../contracts/column-profiler.contract.js';
import { InMemoryColumnProfiler } from './in-memory-column-profiler.js';

columnProfilerContract('in memory', () => {
  const profiler = new InMemoryColumnProfiler();
  return Promise.resolve({ profiler, [Symbol.asyncDispose]: () => profiler[Symbol.asyncDispose]() });
});
