using System.Runtime.Intrinsics;
using Cria.Kernels.Panels;

namespace Cria.Kernels.Emitted;

/// <summary>
/// Weights in blocks of 256, laid out as <see cref="ISuperblockForm{W,V}"/> says, by 512-bit VNNI: what <see cref="SuperblockTiles{F,W,V}"/>
/// computes, floats in the same order.
/// </summary>
readonly struct SuperblockKernel<F> : IPanelKernel where F : struct, ISuperblockForm<Panel512, Vector512<int>>
{
    const int MinimaScalesAt = 32, ScalesAt = 64;

    public static void Emit(PanelFunction function)
    {
        var (code, rows) = (function.Code, function.Rows);
        var sixBits = F.SubBlocks == 16;
        var minimaAt = ScalesAt + 16 * F.SubBlocks;
        var codesAt = minimaAt + (F.HasMinima ? 16 * F.SubBlocks : 0);
        // The floats wait on the stack while their registers have the dot products of a sub-block.
        var (sums, waiting) = (function.Vectors(2 * rows), function.Places(2 * rows));
        var (dots, totals) = (sums, function.Vectors(2 * rows));
        var (weights, x, high) = (function.Vectors(2), function.Vector(), sixBits ? function.Vector() : default);
        var lowMask = function.Constant(0x0F0F0F0F);
        var (highMask, ones) = sixBits ? (function.Constant(0x30303030), function.Constant(0x00010001)) : default;

        function.Emit(sums, 1, codesAt + F.SubBlocks * F.CodeBytes, QuantizedRow.Bytes256, () =>
        {
            for (var i = 0; i < sums.Length; i++)
                code.Vmovups(waiting[i], sums[i]);
            Clear(totals);
            for (var subBlock = 0; subBlock < F.SubBlocks; subBlock++)
            {
                var codes = codesAt + subBlock * F.CodeBytes;
                if (sixBits)
                    AddSixBits(subBlock, codes);
                else
                    AddNibbles(subBlock, codes);
                for (var panel = 0; panel < 2; panel++)
                    code.Vpmovsxbd(weights[panel], PanelFunction.Panel(panel).At(ScalesAt + 16 * subBlock));
                for (var i = 0; i < dots.Length; i++)
                {
                    code.Vpmulld(dots[i], dots[i], weights[i % 2]);
                    code.Vpaddd(totals[i], totals[i], dots[i]);
                }
            }
            for (var i = 0; i < sums.Length; i++)
                code.Vmovups(sums[i], waiting[i]);
            AddScaled(0, QuantizedRow.Scale256);
            if (!F.HasMinima)
                return;
            Clear(totals);
            for (var pair = 0; pair < F.SubBlocks / 2; pair++)
            {
                for (var panel = 0; panel < 2; panel++)
                    code.Vpmovzxbw(weights[panel], PanelFunction.Panel(panel).At(minimaAt + 32 * pair));
                for (var i = 0; i < totals.Length; i++)
                    code.Vpdpwssd(totals[i], weights[i % 2], PanelFunction.Row(i / 2).Each(F.SumsAt + 4 * pair));
            }
            AddScaled(MinimaScalesAt, QuantizedRow.NegativeScale);
        });

        void Clear(Zmm[] vectors)
        {
            foreach (var vector in vectors)
                code.Vpxord(vector, vector, vector);
        }

        void AddNibbles(int subBlock, int codes)
        {
            Clear(dots);
            for (var quad = 0; quad < 8; quad++)
            {
                for (var panel = 0; panel < 2; panel++)
                    LoadNibbles(panel, codes + quad % 4 * 64, quad >= 4);
                AddProducts(32 * subBlock + 4 * quad);
            }
        }

        void AddSixBits(int subBlock, int codes)
        {
            for (var row = 0; row < rows; row++)
            {
                code.Vpxord(dots[2 * row], dots[2 * row], dots[2 * row]);
                code.Vpdpwssd(dots[2 * row], ones, PanelFunction.Row(row).Each(QuantizedRow.SixBitStarts + 4 * subBlock));
                code.Vmovaps(dots[2 * row + 1], dots[2 * row]);
            }
            for (var quad = 0; quad < 4; quad++)
            {
                for (var panel = 0; panel < 2; panel++)
                {
                    var upper = PanelFunction.Panel(panel).At(codes + 128);
                    LoadNibbles(panel, codes + quad % 2 * 64, quad >= 2);
                    if (quad < 2)
                        code.Vpslld(high, upper, (byte)(4 - 2 * quad));
                    else
                        code.Vpsrld(high, upper, (byte)(2 * quad - 4));
                    code.VpternlogdOrAnd(weights[panel], high, highMask);
                }
                AddProducts(16 * subBlock + 4 * quad);
            }
            for (var panel = 0; panel < 2; panel++)
                function.Prefetch(panel, codes + 128);
        }

        void LoadNibbles(int panel, int at, bool upper)
        {
            var codes = PanelFunction.Panel(panel).At(at);
            if (!upper)
            {
                function.Prefetch(panel, at);
                code.Vpandd(weights[panel], lowMask, codes);
                return;
            }
            code.Vpsrld(weights[panel], codes, 4);
            code.Vpandd(weights[panel], weights[panel], lowMask);
        }

        void AddProducts(int at)
        {
            for (var row = 0; row < rows; row++)
            {
                code.Vpbroadcastd(x, PanelFunction.Row(row).At(at));
                for (var panel = 0; panel < 2; panel++)
                    code.Vpdpbusd(dots[2 * row + panel], weights[panel], x);
            }
        }

        void AddScaled(int scalesAt, int activationScaleAt)
        {
            for (var panel = 0; panel < 2; panel++)
                code.Vcvtph2ps(weights[panel], PanelFunction.Panel(panel).At(scalesAt));
            for (var i = 0; i < sums.Length; i++)
            {
                code.Vmulps(x, weights[i % 2], PanelFunction.Row(i / 2).Each(activationScaleAt));
                code.Vcvtdq2ps(totals[i], totals[i]);
                code.Vfmadd231ps(sums[i], x, totals[i]);
            }
        }
    }
}
