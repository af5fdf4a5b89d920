/** Uploads: permission to put the bytes of one file into the object store. */
import { IsIn, IsInt, Length, Matches, Max, Min } from 'class-validator';
import { Field, Float, ID, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { bigintAsNumber } from './columns';
import { UploadKind } from './enums';
import { TeamNode } from './node';

/** The largest file that is taken: 256 MiB, what the object store reads whole. */
const MAXIMUM_UPLOAD_BYTES = 256 * 1024 * 1024;

/**
 * What the stored bytes may call themselves. The type is signed, so that the store takes no other, and none of these runs
 * in a browser that opens the object.
 */
const CONTENT_TYPES = [
  'application/octet-stream',
  'application/json',
  'application/vnd.apache.parquet',
  'text/csv',
  'text/plain',
];

@Entity()
export class Upload extends TeamNode {
  @Column('text')
  kind!: UploadKind;

  @Column('text')
  fileName!: string;

  @Column('bigint', { transformer: bigintAsNumber })
  sizeBytes!: number;

  @Column('text')
  sha256!: string;

  @Column('text')
  contentType!: string;

  @Column('text')
  objectKey!: string;
}

@InputType()
export class RequestUploadInput {
  @Field(() => UploadKind)
  kind!: UploadKind;

  @Field()
  @Length(1, 255)
  @Matches(/^[^/\\\p{Cc}]+$/u, { message: 'fileName is a name without path' })
  fileName!: string;

  @Field(() => Float, { description: 'A whole number.' })
  @IsInt()
  @Min(1)
  @Max(MAXIMUM_UPLOAD_BYTES)
  sizeBytes!: number;

  @Field({ description: 'Of the bytes, 64 lower-case hexadecimal digits.' })
  @Matches(/^[0-9a-f]{64}$/, { message: 'sha256 is 64 lower-case hexadecimal digits' })
  sha256!: string;

  @Field({ defaultValue: 'application/octet-stream' })
  @IsIn(CONTENT_TYPES, { message: `contentType is one of ${CONTENT_TYPES.join(', ')}` })
  contentType!: string;
}

@ObjectType()
export class HttpHeader {
  @Field()
  name!: string;

  @Field()
  value!: string;
}

@ObjectType({ description: 'An HTTP request to make with the bytes as its body, before it expires.' })
export class UploadRequest {
  @Field()
  method!: string;

  @Field()
  url!: string;

  @Field(() => [HttpHeader], { description: 'All of them, as they are.' })
  headers!: HttpHeader[];

  @Field()
  expiresAt!: Date;
}

@ObjectType()
export class RequestUploadPayload {
  @Field(() => ID)
  uploadId!: string;

  @Field(() => UploadRequest, {
    nullable: true,
    description: 'Null if the store has these bytes already: go on without uploading.',
  })
  request?: UploadRequest;
}
