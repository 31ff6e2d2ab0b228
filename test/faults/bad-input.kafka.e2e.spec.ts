// Its stage asks for a broker (startKafka): given, started by the test runner, or its own.
import { badInputTests } from './bad-input.js';

badInputTests('kafka');
