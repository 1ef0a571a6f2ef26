/** What a run took of the machine, in processor seconds a second. */
export type MachineUse = {
  /** The whole process: emulators, handlers, provider and apps. */
  readonly cores: number;
  /** The main thread alone, where the emulators are: at 1 they can do no more. */
  readonly mainThread: number;
};

/** Begins to measure; the returned function ends it. To be called in the main thread. */
export function measureUse(): () => MachineUse {
  const [began, all, main] = [performance.now(), process.cpuUsage(), process.threadCpuUsage()];
  return () => {
    const seconds = (performance.now() - began) / 1000;
    const share = ({ user, system }: NodeJS.CpuUsage) => (user + system) / 1e6 / seconds;
    return { cores: share(process.cpuUsage(all)), mainThread: share(process.threadCpuUsage(main)) };
  };
}
