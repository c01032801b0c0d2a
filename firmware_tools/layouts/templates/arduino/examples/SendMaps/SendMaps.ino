// Quantizes and codes what a network's head computed, and sends it over the serial port.
#include <fmq_embedded.h>

static uint8_t samples[FMQ_MAX_INPUT_BYTES];  // one tensor behind the other, as the head gives them
static uint8_t levels[FMQ_MAX_LEVEL_BYTES];
static uint8_t work[FMQ_WORK_BYTES];
static uint8_t stream[FMQ_MAX_STREAM_BYTES];

static const uint8_t *find_samples(uint32_t tensor);

static fmq_status_t quantize(uint32_t index, void *into)
{
    const fmq_tensor_t *tensor = &fmq_deployment.tensors[index];
    const uint8_t *from = find_samples(index);

    if (tensor->partition != NULL && tensor->partition->centroids != NULL) {
        const fmq_status_t found = fmq_classify(tensor, from, tensor->partition->dynamic);

        if (found != FMQ_OK) {
            return found;
        }
    }
    return fmq_quantize_tensor(tensor, from, 0, tensor->rows * tensor->columns, into);
}

// Run the network's head here, and say where the tensor's samples are.
static const uint8_t *find_samples(uint32_t tensor)
{
    (void)tensor;
    return samples;
}

void setup()
{
    Serial.begin(115200);
}

void loop()
{
    const void *maps[8];
    uint8_t *place = levels;
    size_t size = 0;
    uint32_t index;

    for (index = 0; index < fmq_deployment.tensor_count && index < 8; index++) {
        const fmq_tensor_t *tensor = &fmq_deployment.tensors[index];

        if (quantize(index, place) != FMQ_OK) {
            return; // a sample is NaN or infinite
        }
        maps[index] = place;
        place += (size_t)tensor->count * (tensor->bit_depth > 8 ? 2u : 1u);
    }
    if (fmq_encode(&fmq_deployment, maps, work, sizeof work, stream, sizeof stream, &size) == FMQ_OK) {
        Serial.write(stream, size);
    }
    delay(1000);
}
