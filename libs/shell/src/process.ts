// What every process begins and ends with, and nothing that takes time to read.
export { aborted, exitProcess, runProcess } from './process/run-process.js';
