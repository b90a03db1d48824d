// Crossbar in plain Verilog: what the generated one is compared with. Multiplexers that follow a
// number. A port has all inputs, or all outputs, side by side, number 0 in the lowest bits.

`default_nettype none

module plain_crossbar #(
  parameter INPUTS = 4,
  parameter OUTPUTS = 4,
  parameter WIDTH = 32,
  parameter MODE = 1,  // 0: static, 1: a destination and packets, 2: a set of destinations
  parameter TO_WIDTH = 2,
  parameter SOURCE_WIDTH = 2,
  parameter SELECT_WIDTH = 3
) (
  input  wire                            clk_i,
  input  wire                            rst_ni,
  input  wire [INPUTS-1:0]               in_valid_i,
  output wire [INPUTS-1:0]               in_ready_o,
  input  wire [INPUTS*WIDTH-1:0]         in_data_i,
  input  wire [INPUTS*TO_WIDTH-1:0]      in_to_i,
  input  wire [INPUTS-1:0]               in_last_i,
  input  wire [OUTPUTS*SELECT_WIDTH-1:0] select_i,
  output wire [OUTPUTS-1:0]              out_valid_o,
  input  wire [OUTPUTS-1:0]              out_ready_i,
  output wire [OUTPUTS*WIDTH-1:0]        out_data_o,
  output wire [OUTPUTS-1:0]              out_last_o,
  output wire [OUTPUTS*SOURCE_WIDTH-1:0] out_source_o
);
  // For each output, the inputs that it has yet to take a beat from.
  wire [OUTPUTS*INPUTS-1:0] missing;
  reg  [INPUTS-1:0]         missing_any;
  integer                   n;
  always @* begin
    missing_any = 0;
    for (n = 0; n < OUTPUTS; n = n + 1) missing_any = missing_any | missing[n*INPUTS +: INPUTS];
  end
  assign in_ready_o = ~missing_any;
  wire [INPUTS-1:0] stays = in_valid_i & missing_any;

  genvar o, i;
  generate
    for (o = 0; o < OUTPUTS; o = o + 1) begin : gen_output
      wire [INPUTS-1:0] asks;      // the inputs with a beat for this output
      wire [INPUTS-1:0] is_here;   // those whose number or set names it
      reg               found;     // there is such a beat
      reg  [31:0]       chosen;    // the number of the input
      wire              ready = out_ready_i[o];

      assign asks = in_valid_i & is_here;
      assign out_data_o[o*WIDTH +: WIDTH] = in_data_i[chosen[SOURCE_WIDTH-1:0]*WIDTH +: WIDTH];

      if (MODE == 0) begin : gen_follow
        wire [SELECT_WIDTH-1:0] select = select_i[o*SELECT_WIDTH +: SELECT_WIDTH];
        reg taken_q;

        for (i = 0; i < INPUTS; i = i + 1) begin : gen_here
          assign is_here[i] = select == i;
        end
        always @* begin
          chosen = select;
          found = |asks;
        end
        assign out_valid_o[o] = found && !taken_q;
        assign missing[o*INPUTS +: INPUTS] = (taken_q || ready) ? {INPUTS{1'b0}} : is_here;
        assign out_last_o[o] = 1'b0;
        assign out_source_o[o*SOURCE_WIDTH +: SOURCE_WIDTH] = 0;
        always @(posedge clk_i or negedge rst_ni) begin
          if (!rst_ni) taken_q <= 1'b0;
          else taken_q <= |(stays & is_here) && (taken_q || ready);
        end
      end else begin : gen_turns
        reg  [SOURCE_WIDTH-1:0] turn_q;    // who is asked first
        reg  [SOURCE_WIDTH-1:0] locked_q;  // who is to stay
        reg                     lock_q;
        reg  [INPUTS-1:0]       taken_q;   // who has no copy to give any more
        wire [INPUTS-1:0]       left = asks & ~taken_q;
        wire                    ends = (MODE == 2) || in_last_i[chosen[SOURCE_WIDTH-1:0]];
        wire                    take = found && ready;
        integer k;

        for (i = 0; i < INPUTS; i = i + 1) begin : gen_here
          if (MODE == 1) begin : gen_number
            assign is_here[i] = in_to_i[i*TO_WIDTH +: TO_WIDTH] == o;
          end else begin : gen_set
            assign is_here[i] = in_to_i[i*TO_WIDTH + o];
          end
          assign missing[o*INPUTS + i] = left[i] && !(take && chosen == i);
        end

        always @* begin
          chosen = 0;
          found = 1'b0;
          // The last that is found counts: those from the turn on before those below it.
          for (k = INPUTS - 1; k >= 0; k = k - 1) begin
            if (left[k]) begin
              chosen = k;
              found = 1'b1;
            end
          end
          for (k = INPUTS - 1; k >= 0; k = k - 1) begin
            if (left[k] && k >= turn_q) chosen = k;
          end
          if (lock_q) begin
            chosen = locked_q;
            found = left[locked_q];
          end
        end

        assign out_valid_o[o] = found;
        assign out_last_o[o] = ends;
        assign out_source_o[o*SOURCE_WIDTH +: SOURCE_WIDTH] = chosen[SOURCE_WIDTH-1:0];
        always @(posedge clk_i or negedge rst_ni) begin
          if (!rst_ni) begin
            turn_q <= 0;
            lock_q <= 1'b0;
            locked_q <= 0;
            taken_q <= 0;
          end else begin
            // An offer that is not taken stays, and so does a packet that has begun.
            if (found) begin
              lock_q <= !(take && ends);
              locked_q <= chosen[SOURCE_WIDTH-1:0];
            end
            if (take && ends) begin
              turn_q <= (chosen == INPUTS - 1) ? 0 : chosen[SOURCE_WIDTH-1:0] + 1'b1;
            end
            if (MODE == 2) taken_q <= stays & is_here & ~left
                | stays & is_here & ({INPUTS{take}} & ({{INPUTS-1{1'b0}}, 1'b1} << chosen));
          end
        end
      end
    end
  endgenerate
endmodule

`default_nettype wire
