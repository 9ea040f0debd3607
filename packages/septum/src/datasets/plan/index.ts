export { type Fingerprint2d, medianSize, type Plan2d, planNnunet2d } from './nnunet-2d.js'
