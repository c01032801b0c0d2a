#include "fmq/bitstream_parser.h"

#include "fmq/bitstream.h"
#include "fmq/crc32.h"

#include "parser_fields.h"

#include "memory.h"

#define HAS_NAMES 1u
#define HAS_STRUCTURE 2u
#define AGREES_STRUCTURE 4u
#define STRUCTURE_LIMIT 0x100000u
#define TENSOR_LIMIT 65535u
#define NAME_LIMIT 255u

#define SAMPLES_FLOAT32 0u
#define SAMPLES_INT16 3u

#define METHOD(choice) ((choice) & 7u)
#define METHOD_HISTOGRAM 1u
#define METHOD_UNIFORM_FIRST 4u
#define DISTRIBUTION(choice) ((choice) >> 3 & 3u)
#define LAPLACE 2u
#define IS_EXPLICIT 0x80u

#define HAS_STEP 0x10u
#define FROM_NORMALISATION 0x20u
#define HAS_CENTRE 0x40u
#define IS_PARTITIONED 0x80u

#define ONE 0x3F800000u
#define HALF 0x3F000000u

/* ---- preamble ---- */

static fmq_status_t read_structure(fmq_stream_parser_t *parser)
{
    size_t unused;
    fmq_status_t status;

    if ((parser->flags & AGREES_STRUCTURE) != 0u) {
        return fmq_parser_read_bytes(parser, 4u, &unused);
    }
    if ((parser->flags & HAS_STRUCTURE) == 0u) {
        return FMQ_OK;
    }
    status = fmq_parser_read_varint(parser, &parser->structure_size);
    if (status == FMQ_OK && parser->structure_size > STRUCTURE_LIMIT) {
        return FMQ_ERROR_SYNTAX;
    }
    if (status != FMQ_OK) {
        return status;
    }
    return fmq_parser_read_bytes(parser, parser->structure_size, &parser->structure);
}

fmq_status_t fmq_stream_parse(fmq_stream_parser_t *parser, const uint8_t *data, size_t size)
{
    fmq_status_t status;

    memset(parser, 0, sizeof *parser);
    if (size < 8u) {
        return FMQ_ERROR_TRUNCATED;
    }
    if (fmq_crc32(0u, data, size) != FMQ_CRC32_RESIDUE) {
        return FMQ_ERROR_CHECKSUM;
    }
    if (data[0] != 0x46u || data[1] != 0x51u) {
        return FMQ_ERROR_SYNTAX;
    }
    if (data[2] != 1u) {
        return FMQ_ERROR_UNSUPPORTED;
    }
    parser->data = data;
    parser->size = size - 4u;
    parser->position = 4u;
    parser->flags = data[3];
    if (parser->flags == 8u) { /* headers that only the two ends hold */
        return FMQ_ERROR_UNSUPPORTED;
    }
    if (parser->flags >= 6u) { /* unknown, or two structures */
        return FMQ_ERROR_SYNTAX;
    }
    status = fmq_parser_read_varint(parser, &parser->tensors_left);
    if (status == FMQ_OK && (parser->tensors_left == 0u || parser->tensors_left > TENSOR_LIMIT)) {
        return FMQ_ERROR_SYNTAX;
    }
    return status != FMQ_OK ? status : read_structure(parser);
}

/* ---- tensors ---- */

static fmq_status_t read_name(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    fmq_status_t status;

    if ((parser->flags & HAS_NAMES) == 0u) {
        return FMQ_OK;
    }
    status = fmq_parser_read_varint(parser, &tensor->name_size);
    if (status != FMQ_OK) {
        return status;
    }
    if (tensor->name_size > NAME_LIMIT) {
        return FMQ_ERROR_SYNTAX;
    }
    return fmq_parser_read_bytes(parser, tensor->name_size, &tensor->name);
}

static fmq_status_t read_dimensions(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    uint32_t count = 1u; /* of the dimensions above 0 */
    bool is_empty = false;
    bool is_too_large = false;
    uint32_t index;

    for (index = 0u; index < tensor->rank; index++) {
        uint32_t dimension;
        const fmq_status_t status = fmq_parser_read_varint(parser, &dimension);

        if (status != FMQ_OK) {
            return status;
        }
        tensor->dimensions[index] = dimension;
        if (dimension == 0u) {
            is_empty = true;
        } else if (count > UINT32_MAX / dimension) {
            is_too_large = true;
        } else {
            count *= dimension;
        }
    }
    tensor->count = is_empty ? 0u : count;
    return is_too_large && !is_empty ? FMQ_ERROR_LIMIT : FMQ_OK;
}

static fmq_status_t read_integers(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    static const int32_t lowest[4] = {0, -128, 0, -32768};
    static const int32_t highest[4] = {0, 127, 255, 32767};
    uint32_t zero_point = 0u;
    fmq_status_t status = fmq_parser_read_float(parser, &tensor->scale);

    if (status == FMQ_OK && !fmq_parser_is_above_zero(tensor->scale)) {
        return FMQ_ERROR_SYNTAX;
    }
    if (status == FMQ_OK) {
        status = fmq_parser_read_varint(parser, &zero_point);
    }
    if (status == FMQ_OK && zero_point > 0xFFFFu) {
        return FMQ_ERROR_SYNTAX;
    }
    tensor->zero_point = (zero_point & 1u) != 0u ? -(int32_t)((zero_point + 1u) / 2u)
                                                 : (int32_t)(zero_point / 2u);
    if (status == FMQ_OK && (tensor->zero_point < lowest[tensor->type] ||
                             tensor->zero_point > highest[tensor->type])) {
        return FMQ_ERROR_SYNTAX;
    }
    return status;
}

/* Methods 0 and 1 name their distribution; of the others only method 4 can, and then uniform. */
static bool is_choice_allowed(uint32_t choice)
{
    const uint32_t distribution = DISTRIBUTION(choice);

    if (METHOD(choice) > METHOD_UNIFORM_FIRST) {
        return false;
    }
    if (METHOD(choice) <= METHOD_HISTOGRAM) {
        return distribution <= LAPLACE;
    }
    return (choice & IS_EXPLICIT) == 0u &&
           distribution <= (METHOD(choice) == METHOD_UNIFORM_FIRST ? 1u : 0u);
}

static fmq_status_t read_step(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    fmq_status_t status;

    tensor->step_size = ONE;
    tensor->rounding_offset = HALF;
    if ((tensor->shape & HAS_STEP) == 0u) {
        return FMQ_OK;
    }
    status = fmq_parser_read_float(parser, &tensor->step_size);
    if (status == FMQ_OK && !fmq_parser_is_above_zero(tensor->step_size)) {
        return FMQ_ERROR_SYNTAX;
    }
    return status != FMQ_OK ? status : fmq_parser_read_float(parser, &tensor->rounding_offset);
}

static fmq_status_t read_parameters(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    const uint32_t choice = tensor->choice;
    const bool is_derived =
        METHOD(choice) > METHOD_HISTOGRAM &&
        !(METHOD(choice) == METHOD_UNIFORM_FIRST && DISTRIBUTION(choice) != 0u);

    if ((tensor->shape & FROM_NORMALISATION) != 0u) {
        return is_derived ? FMQ_OK : FMQ_ERROR_SYNTAX;
    }
    if (is_derived) {
        return FMQ_ERROR_UNSUPPORTED;
    }
    tensor->parameter_count = 2u;
    if ((choice & IS_EXPLICIT) != 0u) {
        tensor->parameter_count = 2u * FMQ_MAXIMUM_LEVEL(tensor->bit_depth) + 1u;
    } else if (METHOD(choice) <= METHOD_HISTOGRAM && DISTRIBUTION(choice) == LAPLACE) {
        tensor->parameter_count = 1u;
    }
    return fmq_parser_read_floats(parser, tensor->parameter_count, &tensor->parameters);
}

static fmq_status_t read_centre(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    fmq_status_t status;

    tensor->centre = FMQ_CENTRE_NONE;
    if ((tensor->shape & HAS_CENTRE) == 0u) {
        return FMQ_OK;
    }
    status = fmq_parser_read_varint(parser, &tensor->centre);
    return status == FMQ_OK && tensor->centre > FMQ_MAXIMUM_LEVEL(tensor->bit_depth)
               ? FMQ_ERROR_SYNTAX
               : status;
}

static fmq_status_t read_quantizer(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    fmq_status_t status = fmq_parser_read_u8(parser, &tensor->choice);

    if (status == FMQ_OK && !is_choice_allowed(tensor->choice)) {
        return FMQ_ERROR_SYNTAX;
    }
    if (status == FMQ_OK && METHOD(tensor->choice) > METHOD_HISTOGRAM) {
        status = fmq_parser_read_varint(parser, &tensor->layer);
    }
    if (status == FMQ_OK) {
        status = fmq_parser_read_u8(parser, &tensor->shape);
    }
    tensor->bit_depth = (uint8_t)((tensor->shape & 15u) + 1u);
    if (status == FMQ_OK) {
        status = read_step(parser, tensor);
    }
    if (status == FMQ_OK) {
        status = read_parameters(parser, tensor);
    }
    if (status == FMQ_OK) {
        status = read_centre(parser, tensor);
    }
    return status == FMQ_OK && (tensor->shape & IS_PARTITIONED) != 0u ? FMQ_ERROR_UNSUPPORTED
                                                                      : status;
}

static fmq_status_t read_samples(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    fmq_status_t status = fmq_parser_read_u8(parser, &tensor->type);

    tensor->rank = tensor->type & 15u;
    tensor->type >>= 4;
    if (status == FMQ_OK && (tensor->rank > FMQ_RANK_LIMIT || tensor->type > SAMPLES_INT16)) {
        return FMQ_ERROR_SYNTAX;
    }
    if (status == FMQ_OK) {
        status = read_dimensions(parser, tensor);
    }
    if (status == FMQ_OK && tensor->type != SAMPLES_FLOAT32) {
        status = read_integers(parser, tensor);
    }
    return status;
}

fmq_status_t fmq_stream_parse_tensor(fmq_stream_parser_t *parser, fmq_stream_tensor_t *tensor)
{
    fmq_status_t status;

    memset(tensor, 0, sizeof *tensor);
    tensor->coding = FMQ_CODING_NONE;
    if (parser->tensors_left == 0u) {
        return FMQ_ERROR_ARGUMENT;
    }
    if (parser->position > parser->size) {
        return FMQ_ERROR_TRUNCATED;
    }
    parser->tensors_left--;
    status = read_name(parser, tensor);
    if (status == FMQ_OK) {
        status = read_samples(parser, tensor);
    }
    if (status == FMQ_OK && tensor->count != 0u) {
        status = read_quantizer(parser, tensor);
        if (status == FMQ_OK) {
            status = fmq_parser_read_u8(parser, &tensor->coding);
        }
        if (status == FMQ_OK && tensor->coding > (uint8_t)FMQ_CODING_STATIC) {
            return FMQ_ERROR_SYNTAX;
        }
    }
    tensor->payload = parser->position;
    return status;
}

fmq_status_t fmq_stream_parse_skip(fmq_stream_parser_t *parser,
                                   const fmq_stream_tensor_t *tensor)
{
    size_t unused;
    uint32_t level;

    if (tensor->coding == FMQ_CODING_ENTROPY || tensor->coding == FMQ_CODING_STATIC) {
        return FMQ_ERROR_UNSUPPORTED;
    }
    if (tensor->coding == FMQ_CODING_CONSTANT) {
        return fmq_parser_read_varint(parser, &level);
    }
    if (tensor->coding == FMQ_CODING_NONE) {
        return FMQ_OK;
    }
    if (tensor->count >= FMQ_COUNT_LIMIT) {
        return FMQ_ERROR_LIMIT;
    }
    return fmq_parser_read_bytes(parser, (tensor->count * tensor->bit_depth + 7u) / 8u, &unused);
}
