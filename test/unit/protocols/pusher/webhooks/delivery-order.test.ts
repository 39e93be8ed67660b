import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { appWithWebhook, TestDelivery } from "./delivery.ts";

type Step = { readonly emit: number } | { readonly wait: number } | { readonly answer: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ emit: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ wait: fc.integer({ min: 1, max: 5000 }) }),
  fc.record({ answer: fc.constantFrom(200, 500) }),
);

describe("an endpoint", () => {
  it("is told of every event once, in order, whatever it answers and when", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const delivery = new TestDelivery({ batch_size: 3, retry_timeout: Number.POSITIVE_INFINITY });
        const app = appWithWebhook();
        const delivered: unknown[] = [];
        let emitted = 0;
        let answered = 0;
        const answer = async (status: number): Promise<void> => {
          // Never more than one request waits for its answer.
          expect(delivery.posts.length - answered).toBeLessThanOrEqual(1);
          if (delivery.posts.length === answered) return;
          answered += 1;
          if (status === 200) delivered.push(...(delivery.told.at(-1) ?? []));
          await delivery.answer(status);
        };
        for (const current of steps) {
          if ("wait" in current) await delivery.advance(current.wait);
          else if ("answer" in current) await answer(current.answer);
          else {
            for (let count = 0; count < current.emit; count++) {
              delivery.webhooks.emit(app, { name: "channel_occupied", channel: `${emitted++}` });
            }
          }
        }
        // As many requests as there can be events, each after the longest delay.
        for (let rounds = 0; rounds <= emitted; rounds++) {
          await delivery.advance(60_100);
          await answer(200);
        }
        expect(delivered).toEqual(Array.from({ length: emitted }, (_none, index) => `${index}`));
        expect(delivery.wheel.size).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});
