/* core/limits.h - the largest size of everything a peer can make grow. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

#define LIMIT_HTTP_HEADERS       (64 * 1024) /* all headers of one HTTP answer              */
#define LIMIT_HTTP_BODY          (10 * 1024 * 1024) /* an HTTP body, unless a caller says less     */
#define LIMIT_COOKIES            200           /* kept of one service                         */
#define LIMIT_TOKEN_ANSWER       (256 * 1024)  /* a token endpoint's answer                   */
#define LIMIT_TOKEN              (64 * 1024)   /* one access token                            */
#define LIMIT_TOKEN_CACHE        (1024 * 1024) /* the credentials file                        */
#define LIMIT_KEY_FILE           (256 * 1024)  /* a PEM file                                  */
#define LIMIT_ENV_FILE           (256 * 1024)  /* the file of a NAME_FILE variable            */
#define LIMIT_GRPC_METADATA      (64 * 1024)   /* headers or trailers of a call: hard limit   */
#define LIMIT_GRPC_METADATA_SOFT (16 * 1024)   /* advertised                                  */
#define LIMIT_GRPC_METADATA_SENT (128 * 1024)  /* of a call, without what is sent anyway        */
#define LIMIT_GRPC_MESSAGE       (4 * 1024 * 1024) /* received message, default                   */
#define LIMIT_GRPC_WINDOW        (1024 * 1024)     /* flow-control window of a stream             */
#define LIMIT_GRPC_QUEUED_CALLS  65536             /* calls waiting for a stream                  */
#define LIMIT_GRPC_CONNECTIONS   64 /* to one address, for long-lived calls          */
#define LIMIT_ADDRESSES          64 /* addresses of one name that are tried        */
#define LIMIT_RESOURCE           (16 * 1024 * 1024) /* one file that is deployed                   */
#define LIMIT_DEPLOYMENT         (64 * 1024 * 1024) /* all that is deployed at once                */
#define LIMIT_COMMAND            (128 * 1024 * 1024) /* a command's request                         */
#define LIMIT_PROTOJSON          (256 * 1024 * 1024) /* a message written as JSON                   */
#define LIMIT_DECODED_FACTOR     32 /* a message takes at most this many times its bytes      */
#define LIMIT_DECODED_EXTRA      (64 * 1024) /* ... and this, decoded                               */
#define LIMIT_JSON_TEXT          (16 * 1024 * 1024) /* a JSON text that is made into a tree        */

#endif
