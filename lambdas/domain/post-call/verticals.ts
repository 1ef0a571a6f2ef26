/** What is particular to the calls of a trade, for the last part of its instructions. */
type Vertical = {
  readonly calls: string;
  /** What makes a caller a better or a worse lead than the general bands say. */
  readonly raises: string;
  readonly lowers: string;
  readonly keep: string;
};

const GENERAL: Vertical = {
  calls: "The calls are between a business and its customers; the trade is not known.",
  raises: "a need that is stated with a date or a budget, and a next step that the customer proposes",
  lowers:
    "questions about past orders only, wrong numbers, and callers who want to sell something themselves",
  keep: "dates, amounts, and what each side promised to do",
};

const VERTICALS: Readonly<Record<string, Vertical>> = {
  salon: {
    calls: "The calls are to hair, beauty and wellness salons.",
    raises:
      "a named service with a day or a stylist, a package or a series of visits, and an event that is coming up",
    lowers:
      "price checks without a date, cancellations without a new appointment, and complaints about a past visit",
    keep: "the service, the stylist, the day and time, and the price that was named",
  },
  healthcare: {
    calls: "The calls are to clinics, practices and their reception desks.",
    raises:
      "a new patient who asks for an appointment, a referral in hand, and an elective service with a date",
    lowers: "prescription renewals, test results, billing questions, and callers who were sent elsewhere",
    keep: "the kind of appointment, the practitioner, and the time. Say what the visit is for only as far as the caller did; never name a diagnosis that nobody named",
  },
  "real-estate": {
    calls: "The calls are to estate agents, letting agents and property managers.",
    raises: "a viewing that was arranged, financing or a deposit that is ready, and a move that has a date",
    lowers:
      "requests for repairs from tenants who already rent, general questions about an area, and no budget",
    keep: "the property or the area, the number of rooms, the price or rent, and the date of viewing or moving",
  },
  hospitality: {
    calls: "The calls are to hotels, restaurants, and desks for travel and events.",
    raises: "fixed dates, a number of guests, a group or an event, and a request to hold or to book",
    lowers:
      "questions about opening hours, lost property, and bookings that were only confirmed or cancelled",
    keep: "the place, the dates and times, the number of guests, and the price or the reference that was named",
  },
  finance: {
    calls: "The calls are to banks, insurers and advisers.",
    raises:
      "a product that the customer wants to open, a sum to place or to borrow, and documents that are ready",
    lowers: "balance enquiries, transfers, blocked cards, disputes, and requests to close an account",
    keep: "the product, the amounts and the dates. Write account and card numbers by their last four digits only",
  },
  sales: {
    calls:
      "The calls are about goods and services that a sales team offers, rentals and subscriptions included.",
    raises:
      "a decision maker on the line, a budget, a date by which it is needed, and a quote that was asked for",
    lowers:
      "no authority to decide, a contract elsewhere that runs for long, and support questions about what was bought",
    keep: "the item, the quantity, the price, the dates, and who follows up",
  },
};

/** The words for a vertical; for one that nobody wrote words for, those of no trade in particular. */
export function verticalWords(vertical: string): string {
  const { calls, raises, lowers, keep } = Object.hasOwn(VERTICALS, vertical)
    ? (VERTICALS[vertical] ?? GENERAL)
    : GENERAL;
  return `# This trade

${calls}
- Raises the lead score within its band: ${raises}.
- Lowers it within its band: ${lowers}.
- Keep in the summary, where they were said: ${keep}.`;
}

/** The verticals that have words of their own, and the one that stands for all others. */
export const VERTICAL_NAMES: readonly string[] = [...Object.keys(VERTICALS), "general"];
