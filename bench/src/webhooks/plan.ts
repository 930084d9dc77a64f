/** How much is done. */
export interface WebhookPlan {
  readonly latency: {
    readonly endpoints: number;
    readonly perSecond: number;
    readonly warmUpMs: number;
    readonly measureMs: number;
  };
  readonly capacity: {
    readonly endpoints: number;
    readonly answerAfterMs: number;
    /** How many deliveries wait for each endpoint when the dispatcher starts; an even number. */
    readonly backlog: number;
  };
  readonly hang: {
    readonly endpoints: number;
    readonly perSecond: number;
    readonly runs: number;
    readonly warmUpMs: number;
    readonly measureMs: number;
    readonly hangMs: number;
  };
}

export type Part = keyof WebhookPlan;

/** About seven minutes. */
export const FULL: WebhookPlan = {
  latency: { endpoints: 20, perSecond: 100, warmUpMs: 5_000, measureMs: 20_000 },
  capacity: { endpoints: 20, answerAfterMs: 20, backlog: 500 },
  hang: { endpoints: 100, perSecond: 100, runs: 5, warmUpMs: 2_000, measureMs: 28_000, hangMs: 30_000 },
};

/** Three minutes. */
export const QUICK: WebhookPlan = {
  latency: { ...FULL.latency, warmUpMs: 3_000, measureMs: 10_000 },
  capacity: { ...FULL.capacity, backlog: 200 },
  hang: { ...FULL.hang, warmUpMs: 1_000, measureMs: 7_000 },
};

/** Shows in seconds that the bench itself works; its figures mean nothing. */
export const SMOKE: WebhookPlan = {
  latency: { endpoints: 3, perSecond: 20, warmUpMs: 200, measureMs: 800 },
  capacity: { endpoints: 3, answerAfterMs: 20, backlog: 20 },
  hang: { endpoints: 4, perSecond: 20, runs: 1, warmUpMs: 200, measureMs: 800, hangMs: 30_000 },
};
