/** Aborted by Ctrl-C or SIGTERM, so that what was started can be ended in order. The second time people mean it. */
export function onInterrupt(): AbortSignal {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(130);
      interrupt.abort();
      process.stderr.write('\nEnding everything …\n');
    });
  }
  return interrupt.signal;
}
