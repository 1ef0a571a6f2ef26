import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { parseFault } from "./faults.ts";
import { listSimulatedBatches } from "./simulator-batches.ts";
import type { SimulatorState } from "./simulator-state.ts";

/** What no provider shows: the invoice, all batches, and the faults. */
export function addSimulatorRoutes(app: FastifyInstance, simulator: SimulatorState): void {
  app.get("/invoice", async () => simulator.invoice.statement());
  app.get("/batches", async () => listSimulatedBatches(simulator));
  app.get("/faults", async () => simulator.faults.list());
  app.post("/faults", async (request, reply) => {
    try {
      simulator.faults.add(parseFault(request.body));
    } catch (error) {
      if (error instanceof z.ZodError) return reply.status(400).send({ error: z.prettifyError(error) });
      throw error;
    }
    return reply.status(204).send();
  });
  app.delete("/faults", async (_request, reply) => {
    simulator.faults.clear();
    return reply.status(204).send();
  });
}
