/* The firmware: wait for a request, do it, answer. */
#include "board.h"
#include "commands.h"
#include "frame.h"

int main(void)
{
    static frame_t request;

    board_init();
    commands_init();
    for (;;) {
        frame_receive(&request);
        frame_send(commands_answer(&request));
    }
}
