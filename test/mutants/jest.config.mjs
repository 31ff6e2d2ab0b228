import config from '../../jest.config.mjs';

const [[pattern, [, options]]] = Object.entries(config.transform);

/** The project's own configuration, with the transformer that applies a mutant. */
export default { ...config, rootDir: '../..', transform: { [pattern]: ['<rootDir>/test/mutants/mutating-transformer.mjs', options] } };
