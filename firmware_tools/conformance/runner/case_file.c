#include "case_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 1024

/* The value behind "key = ", or NULL. */
static const char *value_of(const char *line, const char *key)
{
    const size_t size = strlen(key);

    return strncmp(line, key, size) == 0 && strncmp(line + size, " = ", 3) == 0 ? line + size + 3
                                                                              : NULL;
}

static int read_text(const char *line, const char *key, char *text)
{
    const char *const value = value_of(line, key);
    size_t size;

    if (value == NULL || value[0] != '"') {
        return 0;
    }
    size = strcspn(value + 1, "\"");
    if (size >= KIT_NAME_SIZE) {
        return 0;
    }
    memcpy(text, value + 1, size);
    text[size] = '\0';
    return 1;
}

static int read_number(const char *line, const char *key, uint32_t *number)
{
    const char *const value = value_of(line, key);

    if (value == NULL) {
        return 0;
    }
    *number = (uint32_t)strtoul(value, NULL, 10);
    return 1;
}

static int read_field(kit_case_t *item, const char *line)
{
    return read_text(line, "name", item->name) + read_text(line, "profile", item->profile) +
           read_text(line, "sample_type", item->sample_type) +
           read_text(line, "decoded_type", item->decoded_type) +
           read_number(line, "rows", &item->rows) +
           read_number(line, "columns", &item->columns) +
           read_number(line, "channels", &item->channels) +
           read_number(line, "bit_depth", &item->bit_depth) +
           read_number(line, "level_bytes", &item->level_bytes) +
           read_number(line, "refused_streams", &item->refused_streams);
}

static FILE *open_file(const kit_case_t *item, const char *name)
{
    char path[sizeof item->folder + KIT_NAME_SIZE];

    if (strlen(name) >= KIT_NAME_SIZE) {
        return NULL;
    }
    strcpy(path, item->folder);
    strcat(path, "/");
    strcat(path, name);
    return fopen(path, "rb");
}

int kit_read_case(kit_case_t *item, const char *folder)
{
    char line[LINE_SIZE];
    int fields = 0;
    FILE *file;

    memset(item, 0, sizeof *item);
    if (strlen(folder) >= sizeof item->folder) {
        return 0;
    }
    strcpy(item->folder, folder);
    file = open_file(item, "case.toml");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, LINE_SIZE, file) != NULL && line[0] != '[') {
        fields += read_field(item, line);
    }
    fclose(file);
    return fields == 10 && kit_type_size(item->sample_type) != 0u &&
           kit_type_size(item->decoded_type) != 0u && kit_count(item) != 0u &&
           (item->level_bytes == 1u || item->level_bytes == 2u);
}

uint32_t kit_count(const kit_case_t *item)
{
    return item->rows * item->columns * item->channels;
}

size_t kit_type_size(const char *type)
{
    static const struct {
        const char *name;
        size_t size;
    } types[] = {{"int8", 1u},    {"uint8", 1u},    {"int16", 2u},  {"float16", 2u},
                 {"bfloat16", 2u}, {"float32", 4u}, {"float64", 8u}};
    size_t index;

    for (index = 0u; index < sizeof types / sizeof types[0]; index++) {
        if (strcmp(types[index].name, type) == 0) {
            return types[index].size;
        }
    }
    return 0u;
}

uint8_t *kit_read_file(const kit_case_t *item, const char *name, size_t *size)
{
    FILE *const file = open_file(item, name);
    uint8_t *data = NULL;
    long length;

    if (file == NULL) {
        return NULL;
    }
    if (fseek(file, 0, SEEK_END) == 0 && (length = ftell(file)) >= 0 &&
        fseek(file, 0, SEEK_SET) == 0) {
        *size = (size_t)length;
        data = malloc(*size + 1u);
        if (data != NULL && fread(data, 1, *size, file) != *size) {
            free(data);
            data = NULL;
        }
    }
    fclose(file);
    return data;
}

void kit_to_native(uint8_t *data, size_t size, size_t width)
{
    static const uint16_t one = 1u;
    size_t start;

    if (*(const uint8_t *)&one == 1u) {
        return;
    }
    for (start = 0u; start + width <= size; start += width) {
        size_t low = start;
        size_t high = start + width - 1u;

        for (; low < high; low++, high--) {
            const uint8_t byte = data[low];

            data[low] = data[high];
            data[high] = byte;
        }
    }
}
