export { hdf5Format, hdf5Names, readHdf5Array } from './read.js'
