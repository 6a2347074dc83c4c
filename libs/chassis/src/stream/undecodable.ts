import { type Problem, toProblem } from '@armilla/base';

/**
 * A received message that could not be decoded. Throwing from a gRPC deserializer loses the reason ("Error
 * deserializing request"), so decoders return this and the chassis ends the call with the problem.
 */
export class Undecodable {
  readonly problem: Problem;

  constructor(error: unknown) {
    this.problem = toProblem(error);
  }
}
