// Its stage asks for a broker (startKafka): given, started by the test runner, or its own.
import { copyTests } from './copies.js';

copyTests('kafka');
