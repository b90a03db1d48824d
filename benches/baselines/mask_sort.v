// Mask generator by sorting in plain Verilog: the elements of the first `keep` places survive.
//
// Batcher's odd-even merge sort of a group at a time, with registers behind every second layer of
// comparators; all of it waits while a mask cannot leave. `GROUP` is a power of two, and `LANES`
// divides it.

`default_nettype none

module plain_mask_sort #(
  parameter WIDTH = 8,
  parameter SIGNED = 1,
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
  input  wire [LANES-1:0]       in_previous_i,
  input  wire [KEEP_WIDTH-1:0]  in_keep_i,
  input  wire [WIDTH-1:0]       in_threshold_i,
  input  wire [WIDTH-1:0]       in_bonus_i,
  input  wire [EMPTY_WIDTH-1:0] in_empty_i,
  input  wire                   in_last_i,
  output wire                   out_valid_o,
  input  wire                   out_ready_i,
  output wire [LANES-1:0]       out_mask_o,
  output wire                   out_last_o
);
  localparam BEATS = GROUP > LANES ? GROUP / LANES : 1;
  localparam ELEMENTS = BEATS * LANES;
  localparam KEY = WIDTH + 2;  // whether the element may survive, and its score with the bonus
  localparam INDEX = GROUP > 32 ? 6 : GROUP > 16 ? 5 : GROUP > 8 ? 4 : GROUP > 4 ? 3 : 2;
  localparam ENTRY = KEY + INDEX;  // below, the index counted from the other end
  localparam LAYERS = INDEX * (INDEX + 1) / 2;

  // Keys.
  reg  [5:0]       position_q;  // of the beat in its group
  wire             first = position_q == 0;
  reg  [WIDTH-1:0] threshold_q, bonus_q;
  wire [WIDTH-1:0] threshold = first ? in_threshold_i : threshold_q;
  wire [WIDTH-1:0] bonus = first ? in_bonus_i : bonus_q;
  wire [EMPTY_WIDTH-1:0] empty = LANES > 1 ? in_empty_i : 0;
  wire [LANES*KEY-1:0] keys;
  genvar i, j;
  generate
    for (i = 0; i < LANES; i = i + 1) begin : gen_key
      wire [WIDTH-1:0] x = in_data_i[i*WIDTH +: WIDTH];
      wire [WIDTH-1:0] score = (SIGNED && x[WIDTH-1]) ? -x : x;
      wire             present = i == 0 || !in_last_i || empty < LANES - i;
      wire             member = present && score > threshold;
      wire [WIDTH:0]   sum = score + (in_previous_i[i] ? bonus : {WIDTH{1'b0}});
      assign keys[i*KEY +: KEY] = {member, sum};
    end
  endgenerate

  // Gathering, left out where a beat is a group.
  wire                    free;  // whether all that is sorted moves on
  wire [ELEMENTS*KEY-1:0] group;
  wire                    group_valid, group_last;
  wire [KEEP_WIDTH-1:0]   group_keep;
  wire [5:0]              group_last_beat;
  generate
    if (BEATS == 1) begin : gen_whole
      assign in_ready_o = free;
      assign group = keys;
      assign group_valid = in_valid_i;
      assign group_last = in_last_i;
      assign group_keep = in_keep_i;
      assign group_last_beat = 6'd0;
      always @* begin
        position_q = 0;
        threshold_q = 0;
        bonus_q = 0;
      end
    end else begin : gen_gather
      reg  [ELEMENTS*KEY-1:0] gathered_q;
      reg  [KEEP_WIDTH-1:0]   keep_q;
      reg  [5:0]              last_beat_q;
      reg                     complete_q, last_q;
      wire push = in_valid_i && in_ready_o;
      wire ends = in_last_i || position_q == BEATS - 1;
      integer s, e;
      assign in_ready_o = !complete_q || free;
      assign group = gathered_q;
      assign group_valid = complete_q;
      assign group_last = last_q;
      assign group_keep = keep_q;
      assign group_last_beat = last_beat_q;

      always @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) begin
          position_q <= 0;
          complete_q <= 1'b0;
        end else begin
          if (push) position_q <= ends ? 0 : position_q + 1;
          if (in_ready_o) complete_q <= push && ends;
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
            bonus_q <= in_bonus_i;
            keep_q <= in_keep_i;
          end
          last_beat_q <= position_q;
          last_q <= in_last_i;
        end
      end
    end
  endgenerate

  // The network: what goes into each layer.
  wire [GROUP*ENTRY-1:0] sorted [0:LAYERS];
  wire [KEEP_WIDTH+7:0]  tag [0:LAYERS];
  wire                   valid [0:LAYERS];
  assign tag[0] = {group_keep, group_last_beat, group_last, 1'b0};
  assign valid[0] = group_valid;
  genvar a, b, x;
  generate
    for (x = 0; x < GROUP; x = x + 1) begin : gen_entry
      wire [INDEX-1:0] index = GROUP - 1 - x;
      assign sorted[0][x*ENTRY +: ENTRY] = {group[x*KEY +: KEY], index};
    end
    for (a = 0; a < INDEX; a = a + 1) begin : gen_merge
      for (b = 0; b <= a; b = b + 1) begin : gen_layer
        localparam LAYER = a * (a + 1) / 2 + b;
        localparam P = 1 << a;
        localparam K = 1 << (a - b);
        wire [GROUP*ENTRY-1:0] next;
        for (x = 0; x < GROUP; x = x + 1) begin : gen_place
          // Whether this place is compared with the one K above, or K below.
          localparam FROM = K % P;
          localparam LOW = x >= FROM && (x - FROM) % (2 * K) < K && x + K < GROUP
                           && x / (2 * P) == (x + K) / (2 * P);
          localparam Y = x - K;
          localparam HIGH = x >= K + FROM && (Y - FROM) % (2 * K) < K
                            && Y / (2 * P) == x / (2 * P);
          wire [ENTRY-1:0] here = sorted[LAYER][x*ENTRY +: ENTRY];
          if (LOW) begin : gen_low
            wire [ENTRY-1:0] there = sorted[LAYER][(x + K)*ENTRY +: ENTRY];
            wire             swap = there > here;
            assign next[x*ENTRY +: ENTRY] = swap ? there : here;
            assign next[(x + K)*ENTRY +: ENTRY] = swap ? here : there;
          end else if (!HIGH) begin : gen_passes
            assign next[x*ENTRY +: ENTRY] = here;
          end
        end
        if (LAYER % 2 == 1 || LAYER == LAYERS - 1) begin : gen_registers
          reg [GROUP*ENTRY-1:0] sorted_q;
          reg [KEEP_WIDTH+7:0]  tag_q;
          reg                   valid_q;
          assign sorted[LAYER + 1] = sorted_q;
          assign tag[LAYER + 1] = tag_q;
          assign valid[LAYER + 1] = valid_q;
          always @(posedge clk_i or negedge rst_ni) begin
            if (!rst_ni) valid_q <= 1'b0;
            else if (free) valid_q <= valid[LAYER];
          end
          always @(posedge clk_i) begin
            if (free) begin
              sorted_q <= next;
              tag_q <= tag[LAYER];
            end
          end
        end else begin : gen_wires
          assign sorted[LAYER + 1] = next;
          assign tag[LAYER + 1] = tag[LAYER];
          assign valid[LAYER + 1] = valid[LAYER];
        end
      end
    end
  endgenerate

  // The mask: the indices of the first places.
  wire [KEEP_WIDTH-1:0] keep = tag[LAYERS][KEEP_WIDTH+7:8];
  reg  [GROUP-1:0]      mask;
  integer p;
  always @* begin
    mask = {GROUP{1'b0}};
    for (p = 0; p < GROUP; p = p + 1)
      if (p < keep && sorted[LAYERS][p*ENTRY + ENTRY-1])
        mask = mask | ({{GROUP-1{1'b0}}, 1'b1} << ~sorted[LAYERS][p*ENTRY +: INDEX]);
  end

  reg [GROUP-1:0] mask_q;
  reg [5:0]       left_q;
  reg             valid_q, last_q;
  assign free = !valid_q || (out_ready_i && left_q == 0);
  assign out_valid_o = valid_q;
  assign out_mask_o = mask_q[LANES-1:0];
  assign out_last_o = last_q && left_q == 0;
  always @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (free) valid_q <= valid[LAYERS];
  end
  always @(posedge clk_i) begin
    if (free) begin
      mask_q <= mask;
      left_q <= tag[LAYERS][7:2];
      last_q <= tag[LAYERS][1];
    end else if (out_ready_i) begin
      mask_q <= mask_q >> LANES;
      left_q <= left_q - 1;
    end
  end
endmodule

`default_nettype wire
