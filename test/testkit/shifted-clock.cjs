/**
 * For `node --require`: a process whose clock is wrong by FUSECAST_TEST_CLOCK_SHIFT_SECONDS. Only what the time of day
 * is, as on a machine without time synchronisation: intervals have their usual length.
 */
const shiftMs = Number(process.env.FUSECAST_TEST_CLOCK_SHIFT_SECONDS) * 1000;
const RealDate = Date;

globalThis.Date = class extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(RealDate.now() + shiftMs);
    else super(...parts);
  }

  static now() {
    return RealDate.now() + shiftMs;
  }
};
