import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import {
  type BudgetDay,
  budgetDaySchema,
  type ChunkState,
  decideReserve,
  decideSettle,
  type Reservation,
  type Reserved,
} from "../domain/budget.ts";
import { type TenantId, tenantIdSchema } from "../domain/ids.ts";
import {
  type BookedMinutes,
  bookedMinutesSchema,
  decidePlaces,
  type PlaceRequest,
  type Places,
} from "../domain/rate-limit.ts";
import type { Budgets } from "../ports.ts";
import { type Decision, decideOnItem } from "./dynamo-decision.ts";
import { DynamoTable, type Item, type Key } from "./dynamo-table.ts";
import { guardExpiry } from "./guard-expiry.ts";
import { parseStored } from "./stored-record.ts";

/** By day, so that the sweeper finds those of all tenants without reading the whole table. */
function dayKey(tenantId: TenantId, day: string) {
  return { pk: `LIMITS#BUDGET#${day}`, sk: tenantId };
}

function parseDay(item: Item): BudgetDay {
  return parseStored(budgetDaySchema, item, `${String(item["pk"])} ${String(item["sk"])}`);
}

function parseMinutes(item: Item): BookedMinutes {
  return parseStored(bookedMinutesSchema, item, `${String(item["pk"])} ${String(item["sk"])}`);
}

/**
 * Limits, in the tenants table under `pk`s of their own, which is all that functions may write there, and with `expiresAt`:
 * `LIMITS#RATE#<tenantId>` and `MINUTES` for the minutes given away, `LIMITS#BUDGET#<UTC day>` and the tenant's id for a
 * day's budget. Each decision is one read and one conditional write.
 */
export class DynamoBudgets implements Budgets {
  readonly #table: DynamoTable;
  /** The last decision of this process on each item: those that come meanwhile wait instead of refusing one another. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(client: DynamoDBDocumentClient, tableName: string) {
    this.#table = new DynamoTable(client, tableName);
  }

  async takePlaces(tenantId: TenantId, wanted: PlaceRequest): Promise<Places> {
    const key = { pk: `LIMITS#RATE#${tenantId}`, sk: "MINUTES" };
    return this.#inTurn(key, () =>
      decideOnItem({
        table: this.#table,
        key,
        parse: parseMinutes,
        toItem: (next) => ({ ...next, expiresAt: guardExpiry(next.minute) }),
        decide: (current): Decision<BookedMinutes, Places> => {
          const { places, next } = decidePlaces(current, wanted);
          return { answer: places, next };
        },
      }),
    );
  }

  async reserve(tenantId: TenantId, day: string, reservation: Reservation): Promise<Reserved> {
    return this.#decide(tenantId, day, (current) => {
      const { reserved, next } = decideReserve(current, reservation);
      return { answer: reserved, next };
    });
  }

  async settle(tenantId: TenantId, day: string, chunk: string, state: ChunkState): Promise<void> {
    return this.#decide(tenantId, day, (current) => ({
      answer: undefined,
      ...decideSettle(current, chunk, state),
    }));
  }

  async get(tenantId: TenantId, day: string): Promise<BudgetDay | undefined> {
    const item = await this.#table.get(dayKey(tenantId, day));
    return item && parseDay(item);
  }

  async *list(days: readonly string[]) {
    for (const day of days) {
      const ofDay = { text: "#pk = :pk", values: { ":pk": `LIMITS#BUDGET#${day}` } };
      for await (const item of this.#table.query(ofDay))
        yield { tenantId: tenantIdSchema.parse(item["sk"]), day, budget: parseDay(item) };
    }
  }

  #decide<Answer>(
    tenantId: TenantId,
    day: string,
    decide: (current: BudgetDay | undefined) => Decision<BudgetDay, Answer>,
  ): Promise<Answer> {
    const key = dayKey(tenantId, day);
    const expiresAt = guardExpiry(Date.parse(day));
    const toItem = (next: BudgetDay) => ({ ...next, expiresAt });
    return this.#inTurn(key, () =>
      decideOnItem({ table: this.#table, key, parse: parseDay, toItem, decide }),
    );
  }

  async #inTurn<Answer>({ pk, sk }: Key, run: () => Promise<Answer>): Promise<Answer> {
    const name = `${pk} ${sk}`;
    const before = this.#last.get(name) ?? Promise.resolve();
    const turn = before.then(run, run);
    this.#last.set(name, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === turn) this.#last.delete(name);
    }
  }
}
