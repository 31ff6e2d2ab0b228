// Its stage asks for a broker (startKafka): given, started by the test runner, or its own.
import { pausedTests } from './paused.js';

pausedTests('kafka');
