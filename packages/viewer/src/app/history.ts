/** Changes of one kind that follow each other within this time are one step: a slider that is dragged. */
const togetherMs = 700
const mostSteps = 200

/** Values that can be undone and done again. */
export class History<Value> {
  private past: Value[] = []
  private future: Value[] = []
  private last: { readonly kind: string; readonly time: number } | undefined

  constructor(
    private value: Value,
    private readonly now: () => number = () => performance.now(),
  ) {}

  get present(): Value {
    return this.value
  }

  get canUndo(): boolean {
    return this.past.length > 0
  }

  get canRedo(): boolean {
    return this.future.length > 0
  }

  /** @param kind name of what changed; changes of one kind in quick succession make one step. */
  set(value: Value, kind: string): void {
    const time = this.now()
    const together = this.last?.kind === kind && time - this.last.time < togetherMs && this.canUndo
    if (!together) this.past = [...this.past, this.value].slice(-mostSteps)
    this.last = { kind, time }
    this.future = []
    this.value = value
  }

  /** Replaces the present without a step, e.g. while a model draws by itself. */
  amend(value: Value): void {
    this.value = value
  }

  undo(): void {
    if (!this.canUndo) return
    this.future.push(this.value)
    this.value = this.past.pop()!
    this.last = undefined
  }

  redo(): void {
    if (!this.canRedo) return
    this.past.push(this.value)
    this.value = this.future.pop()!
    this.last = undefined
  }

  /** Forgets all steps: they belonged to another image or result. */
  reset(value: Value): void {
    this.past = []
    this.future = []
    this.last = undefined
    this.value = value
  }
}
