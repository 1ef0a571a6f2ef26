/** How often flex is called again when it has no capacity, and after what pause, before sync takes the job. */
export type FlexAgain = { readonly times: number; readonly pauseMs: number };

/** What has no capacity now often has in half a minute, at half the price of not waiting for it. */
export const FLEX_AGAIN: FlexAgain = { times: 3, pauseMs: 30_000 };
