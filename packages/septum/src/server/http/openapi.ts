import { z } from 'zod'
import { eventsQuerySchema, runDetailSchema, runEventSchemas, runsSchema } from '../trainings/schemas.js'
import {
  errorSchema,
  healthSchema,
  imagesSchema,
  jobSchema,
  modelsSchema,
  referenceSchema,
  segmentQuerySchema,
} from './schemas.js'

const schemaOf = (schema: z.ZodType, io: 'input' | 'output' = 'output') => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io })
  return rest
}

const json = (description: string, name: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` } } },
})
const refused = (...codes: readonly (readonly [status: number, description: string])[]) =>
  Object.fromEntries(codes.map(([status, description]) => [status, json(description, 'Error')]))

const always = refused(
  [401, 'the token is missing or wrong'],
  [403, 'the page of another site asks'],
  [421, 'another host is named'],
)
const bytes = { type: 'string', format: 'binary' } as const
const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } } as const
const unknownRun = refused([404, 'there is no such run or file'])
const unknownJob = refused([404, 'there is no such job, or its results were removed'])

function queryParameters(query: z.ZodType) {
  const { properties = {} } = schemaOf(query, 'input') as {
    properties?: Record<string, { description?: string }>
  }
  // Coerced numbers have no type on their way in: an address holds text.
  const numbers = new Set(['samples', 'seed', 'overlap', 'wait', 'points'])
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: false,
    ...(description && { description }),
    schema: numbers.has(name) ? { type: 'number' } : schema,
  }))
}

/** The description of the server's interface, OpenAPI 3.1. @param version of Septum. */
export function openApi(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Septum',
      version,
      description: 'Medical image segmentation. Research use only: not a medical device, not for diagnosis.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: {
        Error: schemaOf(errorSchema),
        Job: schemaOf(jobSchema),
        Models: schemaOf(modelsSchema),
        Images: schemaOf(imagesSchema),
        Health: schemaOf(healthSchema),
        Reference: schemaOf(referenceSchema),
        Runs: schemaOf(runsSchema),
        Run: schemaOf(runDetailSchema),
        RunEvents: {
          description: 'Data of the server-sent events of a run, by the name of the event',
          type: 'object',
          properties: Object.fromEntries(
            Object.entries(runEventSchemas).map(([name, schema]) => [name, schemaOf(schema)]),
          ),
        },
      },
    },
    security: [{}, { token: [] }],
    paths: {
      '/v1/segment': {
        post: {
          summary: 'Segment one image',
          parameters: queryParameters(segmentQuerySchema),
          requestBody: {
            required: true,
            content: {
              'application/octet-stream': { schema: bytes },
              'application/json': { schema: { $ref: '#/components/schemas/Reference' } },
              'multipart/form-data': {
                schema: {
                  type: 'object',
                  required: ['image'],
                  description:
                    'Files are the image or the slices of one DICOM series; fields are settings of the query.',
                  properties: { image: { type: 'array', items: bytes, minItems: 1 } },
                  additionalProperties: { type: 'string' },
                },
              },
            },
          },
          responses: {
            200: {
              description: 'the result; with result=mask the mask itself',
              content: {
                'application/json': { schema: { $ref: '#/components/schemas/Job' } },
                'image/png': { schema: bytes },
                'application/gzip': { schema: bytes },
                'application/dicom': { schema: bytes },
              },
            },
            202: json('accepted: ask GET /v1/jobs/{id}', 'Job'),
            ...refused(
              [400, 'the query or the body is not understood, or the upload broke off'],
              [404, 'there is no such model or reference'],
              [408, 'the client stopped sending'],
              [413, 'the upload or its image is too large'],
              [415, 'the body is no image of a known format'],
              [422, 'the image could not be segmented'],
              [429, 'the queue is full: try again after Retry-After seconds'],
              [503, 'the server stops'],
            ),
            ...always,
          },
        },
      },
      '/v1/jobs/{id}': {
        get: {
          summary: 'State and result of a job',
          parameters: [id],
          responses: { 200: json('the job', 'Job'), ...unknownJob, ...always },
        },
        delete: {
          summary: 'Cancel a job, or remove the results of a finished one',
          parameters: [id],
          responses: { 204: { description: 'done' }, ...unknownJob, ...always },
        },
      },
      '/v1/jobs/{id}/events': {
        get: {
          summary: 'Progress as server-sent events: `job` with the job as data, until it is over',
          parameters: [id],
          responses: {
            200: { description: 'events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
            ...unknownJob,
            ...refused([429, 'too many streams are open']),
            ...always,
          },
        },
      },
      '/v1/jobs/{id}/files/{file}': {
        get: {
          summary: 'A file of a result, as its `href` says',
          parameters: [id, { ...id, name: 'file', description: 'may contain slashes' }],
          responses: {
            200: { description: 'the file', content: { '*/*': { schema: bytes } } },
            ...unknownJob,
            ...always,
          },
        },
      },
      '/v1/runs': {
        get: {
          summary: 'Trainings of the folder given with --runs, the last changed first',
          responses: { 200: json('runs', 'Runs'), ...refused([404, 'no runs are served']), ...always },
        },
      },
      '/v1/runs/{id}': {
        get: {
          summary: 'State, best validations and hyper-parameters of a training',
          parameters: [id],
          responses: { 200: json('the run', 'Run'), ...unknownRun, ...always },
        },
      },
      '/v1/runs/{id}/events': {
        get: {
          summary:
            'Log of a training as server-sent events `step`, `validation`, `pictures`, `run`, `reset`, `caughtup`',
          description:
            'Data as in the schema RunEvents. Begins with what is logged already, thinned to about `points` steps, and goes on while the training runs. ' +
            'Last-Event-ID goes on behind what was received; `reset` says that the log was begun anew.',
          parameters: [
            id,
            ...queryParameters(eventsQuerySchema),
            { name: 'Last-Event-ID', in: 'header', required: false, schema: { type: 'string' } },
          ],
          responses: {
            200: { description: 'events', content: { 'text/event-stream': { schema: { type: 'string' } } } },
            204: { description: 'the run is finished, and Last-Event-ID was its last' },
            ...unknownRun,
            ...refused([400, 'the query is not understood'], [429, 'too many streams are open']),
            ...always,
          },
        },
      },
      '/v1/runs/{id}/pictures/{file}': {
        get: {
          summary: 'A sheet of validation cases, as `href` of the event `pictures` says',
          parameters: [id, { ...id, name: 'file' }],
          responses: {
            200: { description: 'the sheet', content: { 'image/png': { schema: bytes } } },
            ...unknownRun,
            ...always,
          },
        },
      },
      '/v1/models': {
        get: { summary: 'Models', responses: { 200: json('all models', 'Models'), ...always } },
      },
      '/v1/images': {
        get: {
          summary: 'Images of the data folder that a page can open',
          responses: { 200: json('their names; none without a data folder', 'Images'), ...always },
        },
      },
      '/v1/images/{reference}': {
        get: {
          summary: 'An image of the data folder',
          parameters: [{ ...id, name: 'reference', description: 'may contain slashes' }],
          responses: {
            200: { description: 'the file', content: { '*/*': { schema: bytes } } },
            ...refused([404, 'there is no such image']),
            ...always,
          },
        },
      },
      '/models/{id}/{file}': {
        get: {
          summary: 'A file of a bundle, to run it in a browser',
          parameters: [id, { ...id, name: 'file' }],
          responses: {
            200: { description: 'the file', content: { '*/*': { schema: bytes } } },
            ...refused([404, 'there is no such model or file']),
            ...always,
          },
        },
      },
      '/health': {
        get: {
          summary: 'Whether the server can take work',
          security: [],
          responses: { 200: json('it can', 'Health'), 503: json('it starts or stops', 'Health') },
        },
      },
      '/metrics': {
        get: {
          summary: 'Metrics for Prometheus',
          responses: {
            200: { description: 'metrics', content: { 'text/plain': { schema: { type: 'string' } } } },
            ...always,
          },
        },
      },
      '/openapi.json': {
        get: {
          summary: 'This description',
          responses: {
            200: {
              description: 'OpenAPI 3.1',
              content: { 'application/json': { schema: { type: 'object' } } },
            },
            ...always,
          },
        },
      },
    },
  }
}
