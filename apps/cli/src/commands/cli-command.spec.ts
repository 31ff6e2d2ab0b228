import { toJson } from './cli-command.js';

test('milliseconds have one digit behind the point in JSON, and nothing else is rounded', () => {
  const report = { heldMs: 87.41234567890123, resumed: { touched: { heldMs: 0.05 } }, sinceMs: 1_700_000_000_001, seconds: 1.23456 };
  expect(JSON.parse(toJson(report))).toEqual({ ...report, heldMs: 87.4, resumed: { touched: { heldMs: 0.1 } } });
  // A column may have any name; its values are text.
  expect(JSON.parse(toJson({ values: { lagMs: '1.2345' } }))).toEqual({ values: { lagMs: '1.2345' } });
});
