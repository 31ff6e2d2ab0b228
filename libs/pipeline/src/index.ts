export { supervise, type Retry, type SupervisedLoop, type SuperviseOptions } from './supervise.js';
