import { type DynamicModule, Module } from '@nestjs/common';
import { JoinController } from './join/join.controller';
import { JoinService } from './join/join.service';
import { XroomController } from './xroom/xroom.controller';
import { XroomEndpoint } from './xroom/xroom.endpoint';

/** What the api's controllers call. */
export interface ApiParts {
  readonly xroom: XroomEndpoint;
  readonly joins: JoinService;
}

/** The api's outside: the xroom API and `/join`. */
@Module({})
export class ApiModule {
  static with(parts: ApiParts): DynamicModule {
    return {
      module: ApiModule,
      controllers: [XroomController, JoinController],
      providers: [
        { provide: XroomEndpoint, useValue: parts.xroom },
        { provide: JoinService, useValue: parts.joins },
      ],
    };
  }
}
