import { byId } from './dom.js'

const key = 'septum-theme'

/** Follows the system until a person chooses; the choice stays in this browser. */
export function theme(): void {
  const root = document.documentElement
  const stored = read()
  if (stored) root.dataset.theme = stored
  byId('theme').onclick = () => {
    const light = root.dataset.theme
      ? root.dataset.theme === 'light'
      : matchMedia('(prefers-color-scheme: light)').matches
    root.dataset.theme = light ? 'dark' : 'light'
    write(root.dataset.theme)
  }
}

/** Storage may be forbidden; the page then simply forgets. */
function read(): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function write(value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    return
  }
}
