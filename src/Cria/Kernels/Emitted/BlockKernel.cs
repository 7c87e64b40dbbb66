using Cria.Kernels.Panels;

namespace Cria.Kernels.Emitted;

/// <summary>
/// Weights in blocks of 32, laid out as <see cref="IBlockForm"/> says, by 512-bit VNNI: what <see cref="BlockTiles{F,W,V}"/> computes,
/// floats in the same order.
/// </summary>
readonly struct BlockKernel<F> : IPanelKernel where F : struct, IBlockForm
{
    public static void Emit(PanelFunction function)
    {
        var (code, rows) = (function.Code, function.Rows);
        var (sums, dots) = (function.Vectors(2 * rows), function.Vectors(2 * rows));
        var (weights, x) = (function.Vectors(2), function.Vector());
        var mask = F.Nibbles ? function.Constant(0x0F0F0F0F) : default;
        var codeBytes = F.Nibbles ? 256 : 512;
        var scaleBytes = F.ScaleSize * PanelFormat.Rows;
        var codesAt = 2 * scaleBytes + (F.HasMinimum ? 4 * PanelFormat.Rows : 0);

        function.Emit(sums, 2, codesAt + 2 * codeBytes, 2 * QuantizedRow.Bytes32, () =>
        {
            foreach (var block in (int[])[0, 1])
            {
                var activations = block * QuantizedRow.Bytes32;
                for (var row = 0; row < rows; row++)
                    Start(row, activations);
                for (var line = 0; line < codeBytes / 64; line++)
                    foreach (var half in F.Nibbles ? (int[])[0, 1] : [0])
                    {
                        for (var panel = 0; panel < 2; panel++)
                            Load(panel, codesAt + block * codeBytes + 64 * line, half);
                        for (var row = 0; row < rows; row++)
                            AddProducts(row, activations + 16 * half + 4 * line);
                    }
                LoadScales(block * scaleBytes, F.ScaleSize);
                for (var row = 0; row < rows; row++)
                    AddScaled(row, activations + QuantizedRow.Scale32);
                if (!F.HasMinimum)
                    continue;
                LoadScales(2 * scaleBytes + block * 2 * PanelFormat.Rows, 2);
                for (var row = 0; row < rows; row++)
                    AddMinimum(row, activations + QuantizedRow.ScaledSum);
            }
        });

        // What was added to the codes, 128 or 8 each, is taken away before they come: −128 times the sum of activations is at hand.
        void Start(int row, int at)
        {
            var (first, start) = (dots[2 * row], PanelFunction.Row(row).At(at + QuantizedRow.ByteStart));
            if (!F.Nibbles)
                code.Vpbroadcastd(first, start);
            else if (F.HasMinimum)
                code.Vpxord(first, first, first);
            else
                code.Vpsrad(first, start.Each(0), 4);
            code.Vmovaps(dots[2 * row + 1], first);
        }

        void Load(int panel, int at, int half)
        {
            if (half == 0)
                function.Prefetch(panel, at);
            if (!F.Nibbles)
                code.Vmovups(weights[panel], PanelFunction.Panel(panel).At(at));
            else if (half == 0)
                code.Vpandd(weights[panel], mask, PanelFunction.Panel(panel).At(at));
            else
            {
                code.Vpsrld(weights[panel], PanelFunction.Panel(panel).At(at), 4);
                code.Vpandd(weights[panel], weights[panel], mask);
            }
        }

        void AddProducts(int row, int at)
        {
            code.Vpbroadcastd(x, PanelFunction.Row(row).At(at));
            for (var panel = 0; panel < 2; panel++)
                code.Vpdpbusd(dots[2 * row + panel], weights[panel], x);
        }

        void LoadScales(int at, int size)
        {
            for (var panel = 0; panel < 2; panel++)
            {
                if (at % 64 == 0)
                    function.Prefetch(panel, at);
                if (size == 2)
                    code.Vcvtph2ps(weights[panel], PanelFunction.Panel(panel).At(at));
                else
                    code.Vmovups(weights[panel], PanelFunction.Panel(panel).At(at));
            }
        }

        void AddScaled(int row, int at)
        {
            for (var panel = 0; panel < 2; panel++)
            {
                var (sum, dot) = (sums[2 * row + panel], dots[2 * row + panel]);
                code.Vmulps(x, weights[panel], PanelFunction.Row(row).Each(at));
                code.Vcvtdq2ps(dot, dot);
                code.Vfmadd231ps(sum, x, dot);
            }
        }

        void AddMinimum(int row, int at)
        {
            for (var panel = 0; panel < 2; panel++)
                code.Vfmadd231ps(sums[2 * row + panel], weights[panel], PanelFunction.Row(row).Each(at));
        }
    }
}
