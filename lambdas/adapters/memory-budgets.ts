import {
  type BudgetDay,
  type ChunkState,
  decideReserve,
  decideSettle,
  type Reservation,
  type Reserved,
} from "../domain/budget.ts";
import type { TenantId } from "../domain/ids.ts";
import { type BookedMinutes, decidePlaces, type PlaceRequest, type Places } from "../domain/rate-limit.ts";
import type { Budgets } from "../ports.ts";
import { byBytes } from "./byte-order.ts";
import { frozenCopy } from "./frozen-copy.ts";

export class MemoryBudgets implements Budgets {
  readonly #minutes = new Map<TenantId, BookedMinutes>();
  readonly #days = new Map<string, Map<TenantId, BudgetDay>>();

  async takePlaces(tenantId: TenantId, wanted: PlaceRequest): Promise<Places> {
    const { places, next } = decidePlaces(this.#minutes.get(tenantId), wanted);
    if (next !== undefined) this.#minutes.set(tenantId, next);
    return places;
  }

  async reserve(tenantId: TenantId, day: string, reservation: Reservation): Promise<Reserved> {
    const { reserved, next } = decideReserve(this.#budgetsOf(day).get(tenantId), reservation);
    this.#store(tenantId, day, next);
    return reserved;
  }

  async settle(tenantId: TenantId, day: string, chunk: string, state: ChunkState): Promise<void> {
    this.#store(tenantId, day, decideSettle(this.#budgetsOf(day).get(tenantId), chunk, state).next);
  }

  async get(tenantId: TenantId, day: string): Promise<BudgetDay | undefined> {
    return this.#budgetsOf(day).get(tenantId);
  }

  async *list(days: readonly string[]) {
    for (const day of days) {
      const budgets = [...this.#budgetsOf(day)].toSorted(([a], [b]) => byBytes(a, b));
      for (const [tenantId, budget] of budgets) yield { tenantId, day, budget };
    }
  }

  #budgetsOf(day: string): Map<TenantId, BudgetDay> {
    const budgets = this.#days.get(day) ?? new Map<TenantId, BudgetDay>();
    this.#days.set(day, budgets);
    return budgets;
  }

  #store(tenantId: TenantId, day: string, next: BudgetDay | undefined): void {
    if (next !== undefined) this.#budgetsOf(day).set(tenantId, frozenCopy(next));
  }
}
