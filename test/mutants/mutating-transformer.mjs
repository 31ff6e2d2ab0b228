import swc from '@swc/jest';

/**
 * @swc/jest, but for one file whose text is changed on its way: that of the mutant in CHANGEOVER_MUTANT (JSON: file, find, replace).
 * No file is touched.
 */
export default {
  createTransformer(options) {
    const inner = swc.createTransformer(options);
    const mutant = process.env.CHANGEOVER_MUTANT ? JSON.parse(process.env.CHANGEOVER_MUTANT) : undefined;
    const mutated = (source, path) =>
      mutant !== undefined && path.endsWith(`/${mutant.file}`) ? source.replace(mutant.find, () => mutant.replace) : source;
    return {
      ...inner,
      canInstrument: inner.canInstrument,
      getCacheKey: (source, path, ...rest) => inner.getCacheKey(mutated(source, path), path, ...rest),
      process: (source, path, ...rest) => inner.process(mutated(source, path), path, ...rest),
      processAsync: (source, path, ...rest) => inner.processAsync(mutated(source, path), path, ...rest),
    };
  },
};
