import builder from 'junit-report-builder'
import type { Judged, RunReport } from '../report.ts'
import type { Exporter } from './exporter.ts'

/** A test suite per scenario, a test case per expectation. Inconclusive is an error of type `inconclusive`. */
export const junit: Exporter = {
  name: 'junit',
  extension: 'xml',
  mediaType: 'application/xml',
  write: reports => {
    const file = builder.newBuilder()
    for (const report of reports) {
      const suite = file
        .testSuite()
        .name(report.scenario)
        .time(report.virtualNs / 1e9)
      suite.property('seed', String(report.seed))
      suite.property('replications', String(report.replications))
      suite.property('digest', report.digest)
      suite.property('stopped', report.stopped)
      for (const one of report.expectations) addCase(suite.testCase(), report, one)
    }
    return file.build()
  },
}

type TestCase = ReturnType<ReturnType<typeof builder.testSuite>['testCase']>

function addCase(test: TestCase, report: RunReport, one: Judged): void {
  test
    .className(report.scenario)
    .name(`${one.kind}: ${printable(one.name)}`)
    .file(report.file)
  if (one.verdict === 'fail')
    test.failure(printable(one.because), one.severity === 'soft' ? 'soft' : 'expectation')
  if (one.verdict === 'inconclusive') test.error(printable(one.because), 'inconclusive')
}

/** XML 1.0 forbids control characters, even escaped. */
function printable(text: string): string {
  return [...text].filter(letter => letter >= ' ' || letter === '\n' || letter === '\t').join('')
}
