/** Where the control database keeps its tables, so that it can share a database with others. */
export const CONTROL_SCHEMA = 'changeover_control';
