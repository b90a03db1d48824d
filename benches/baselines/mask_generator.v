// Mask generator by ranks in plain Verilog: an element survives if fewer than `keep` are ahead of it.
//
// A group is gathered in one set of registers and leaves from another, in which it is rotated by a
// beat with each beat that leaves: what leaves is compared with all others of its group.

`default_nettype none

module plain_mask_generator #(
  parameter WIDTH = 8,
  parameter SIGNED = 1,
  parameter CHANGE = 0,   // whether there is a reference
  parameter NORM = 0,     // whether there are norms
  parameter SCORE = 8,    // bits of a score
  parameter LANES = 4,
  parameter GROUP = 16,
  parameter KEEP_WIDTH = 5,
  parameter EMPTY_WIDTH = 2
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  input  wire                   in_valid_i,
  output wire                   in_ready_o,
  input  wire [LANES*WIDTH-1:0] in_data_i,
  input  wire [LANES*WIDTH-1:0] in_reference_i,
  input  wire [LANES*16-1:0]    in_norm_i,
  input  wire [LANES-1:0]       in_previous_i,
  input  wire [1:0]             in_source_i,
  input  wire [KEEP_WIDTH-1:0]  in_keep_i,
  input  wire [SCORE-1:0]       in_threshold_i,
  input  wire [SCORE-1:0]       in_bonus_i,
  input  wire [EMPTY_WIDTH-1:0] in_empty_i,
  input  wire                   in_last_i,
  output wire                   out_valid_o,
  input  wire                   out_ready_i,
  output wire [LANES-1:0]       out_mask_o,
  output wire                   out_last_o
);
  localparam BEATS = GROUP > LANES ? GROUP / LANES : 1;
  localparam ELEMENTS = BEATS * LANES;
  localparam KEY = SCORE + 2;  // whether the element may survive, and its score with the bonus

  // Keys.
  reg  [5:0]       position_q;  // of the beat in its group
  wire             first = position_q == 0;
  reg  [SCORE-1:0] threshold_q, bonus_q;
  reg  [1:0]       source_q;
  wire [1:0]       source = first ? in_source_i : source_q;
  wire [SCORE-1:0] threshold = first ? in_threshold_i : threshold_q;
  wire [SCORE-1:0] bonus = first ? in_bonus_i : bonus_q;
  wire [EMPTY_WIDTH-1:0] empty = LANES > 1 ? in_empty_i : 0;
  wire [LANES*KEY-1:0] keys;
  genvar i, j;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : gen_key
      wire [WIDTH-1:0] x = in_data_i[i*WIDTH +: WIDTH];
      wire [WIDTH-1:0] y = (CHANGE && source == 1) ? in_reference_i[i*WIDTH +: WIDTH] : 0;
      wire [WIDTH:0]   difference = {SIGNED && x[WIDTH-1], x} - {SIGNED && y[WIDTH-1], y};
      wire [WIDTH:0]   value = CHANGE ? difference : {SIGNED && x[WIDTH-1], x};
      wire [WIDTH-1:0] magnitude = value[WIDTH] ? -value : value;
      wire [15:0]      factor = (source == 2) ? in_norm_i[i*16 +: 16] : 16'd256;
      wire [SCORE-1:0] score = NORM ? magnitude * factor : magnitude;
      wire             present = i == 0 || !in_last_i || empty < LANES - i;
      wire             member = present && score > threshold;
      wire [SCORE:0]   sum = score + (in_previous_i[i] ? bonus : {SCORE{1'b0}});
      assign keys[i*KEY +: KEY] = {member, sum};
    end
  endgenerate

  // The group that leaves.
  reg  [ELEMENTS*KEY-1:0] group_q;
  reg  [KEEP_WIDTH-1:0]   keep_q;
  reg  [5:0]              beat_q, last_beat_q;
  reg                     valid_q, last_q;
  wire                    is_last_beat = BEATS == 1 || beat_q == last_beat_q;
  wire                    free = !valid_q || (out_ready_i && is_last_beat);
  assign out_valid_o = valid_q;
  assign out_last_o = last_q && is_last_beat;

  generate
    if (BEATS == 1) begin : gen_whole
      assign in_ready_o = free;
      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) valid_q <= 1'b0;
        else if (free) valid_q <= in_valid_i;
      end
      always @* begin
        position_q = 0;
        beat_q = 0;
        last_beat_q = 0;
        threshold_q = 0;
        source_q = 0;
        bonus_q = 0;
      end
      always @(posedge clk_i) begin
        if (free && in_valid_i) begin
          group_q <= keys;
          keep_q <= in_keep_i;
          last_q <= in_last_i;
        end
      end
    end else begin : gen_gather
      reg  [ELEMENTS*KEY-1:0] gathered_q;
      reg  [KEEP_WIDTH-1:0]   gathered_keep_q;
      reg  [5:0]              gathered_beat_q;
      reg                     complete_q, gathered_last_q;
      wire push = in_valid_i && in_ready_o;
      wire ends = in_last_i || position_q == BEATS - 1;
      wire load = complete_q && free;
      integer s, e;
      assign in_ready_o = !complete_q || free;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          position_q <= 0;
          complete_q <= 1'b0;
          valid_q <= 1'b0;
        end else begin
          if (push) position_q <= ends ? 0 : position_q + 1;
          if (in_ready_o) complete_q <= push && ends;
          if (free) valid_q <= complete_q;
        end
      end
      always @(posedge clk_i) begin
        if (push) begin
          // What is left of the group before takes no part.
          for (e = LANES; e < ELEMENTS; e = e + 1) if (first) gathered_q[e*KEY + KEY-1] <= 1'b0;
          for (s = 0; s < BEATS; s = s + 1)
            if (position_q == s) gathered_q[s*LANES*KEY +: LANES*KEY] <= keys;
          if (first) begin
            threshold_q <= in_threshold_i;
            source_q <= in_source_i;
            bonus_q <= in_bonus_i;
            gathered_keep_q <= in_keep_i;
          end
          gathered_beat_q <= position_q;
          gathered_last_q <= in_last_i;
        end
        if (load) begin
          group_q <= gathered_q;
          keep_q <= gathered_keep_q;
          last_beat_q <= gathered_beat_q;
          last_q <= gathered_last_q;
          beat_q <= 0;
        end else if (valid_q && out_ready_i) begin
          group_q <= {group_q[LANES*KEY-1:0], group_q[ELEMENTS*KEY-1:LANES*KEY]};
          beat_q <= beat_q + 1;
        end
      end
    end

    // The ranks.
    for (i = 0; i < LANES; i = i + 1) begin : gen_rank
      localparam FIRST = LANES > GROUP ? i / GROUP * GROUP : 0;
      wire [KEY-1:0]    key = group_q[i*KEY +: KEY];
      wire [GROUP-1:0]  ahead;
      for (j = 0; j < GROUP; j = j + 1) begin : gen_pair
        wire [KEY-1:0] other = group_q[(FIRST + j)*KEY +: KEY];
        if (FIRST + j >= LANES) begin : gen_other_beat
          // Whoever has been rotated round came earlier, and wins a tie.
          wire came_earlier = beat_q >= BEATS - (FIRST + j) / LANES;
          assign ahead[j] = {other, came_earlier} > {key, 1'b0};
        end else if (FIRST + j < i) begin : gen_earlier
          assign ahead[j] = other >= key;
        end else if (FIRST + j == i) begin : gen_itself
          assign ahead[j] = 1'b0;
        end else begin : gen_later
          assign ahead[j] = !gen_rank[FIRST + j].ahead[i - FIRST];
        end
      end
      wire [6:0] rank = ones({{64 - GROUP{1'b0}}, ahead});
      assign out_mask_o[i] = key[KEY-1] && rank < keep_q;
    end
  endgenerate

  // How many bits are 1: sums of two, of four, and so on, side by side.
  function [6:0] ones(input [63:0] bits);
    reg [63:0] x;
    begin
      x = (bits & 64'h5555_5555_5555_5555) + ((bits >> 1) & 64'h5555_5555_5555_5555);
      x = (x & 64'h3333_3333_3333_3333) + ((x >> 2) & 64'h3333_3333_3333_3333);
      x = (x & 64'h0f0f_0f0f_0f0f_0f0f) + ((x >> 4) & 64'h0f0f_0f0f_0f0f_0f0f);
      x = (x & 64'h00ff_00ff_00ff_00ff) + ((x >> 8) & 64'h00ff_00ff_00ff_00ff);
      x = (x & 64'h0000_ffff_0000_ffff) + ((x >> 16) & 64'h0000_ffff_0000_ffff);
      ones = x[6:0] + x[38:32];
    end
  endfunction
endmodule

`default_nettype wire
