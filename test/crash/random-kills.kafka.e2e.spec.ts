// Its stage has a broker of its own that it kills (startKafka).
import { randomKillTests } from './random-kills.js';

randomKillTests('kafka');
