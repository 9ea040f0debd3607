import { debianPackages } from './debian.mjs'
import { nativeBridge } from './native.mjs'
import { npmPackages } from './npm.mjs'
import { typescript } from './typescript.mjs'
import { viewer } from './viewer.mjs'

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {boolean} [neededByTheRest] later steps cannot even be checked without it
 * @property {(context: Context) => Promise<{ text: string } | undefined>} missing what is missing, in words
 * @property {(context: Context, missing: any, note: (text: string) => void) => Promise<void>} install
 * @property {(context: Context) => Promise<string>} [describe] the result in words
 *
 * @typedef {{ root: string, libtorch?: import('../../packages/torch/native/find-libtorch.mjs').Libtorch }} Context
 */

/** @type {Step[]} */
export const steps = [debianPackages, npmPackages, nativeBridge, typescript, viewer]
