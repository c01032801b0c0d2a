/* Stands for the core of an Arduino: what the example calls, and a program around it. */
#include <stddef.h>
#include <stdint.h>

struct Port {
    void begin(long) {}
    size_t write(const uint8_t *data, size_t size)
    {
        volatile uint8_t last = data[size - 1];

        (void)last;
        return size;
    }
};

static Port Serial;

static void delay(unsigned long) {}

void setup();
void loop();

int main()
{
    setup();
    for (;;) {
        loop();
    }
}
