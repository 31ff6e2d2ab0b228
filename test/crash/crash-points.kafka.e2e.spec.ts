// Its stage asks for a broker (startKafka): given, started by the test runner, or its own.
import { crashPointTests } from './crash-points.js';

crashPointTests('kafka');
